// Gradients, and operations with a gradient of their own: one graph node that calls back.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/version.h>

#include "guarded.hpp"

#if TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR < 13
#error "Kymo needs libtorch 2.13 or newer. Run: make setup"
#endif

using namespace kymo;
using torch::autograd::variable_list;

bool kt_requires_gradient(kt_tensor t) { return t->value.defined() && t->value.requires_grad(); }

kt_status kt_make_leaf(kt_tensor *out, kt_tensor t) {
  return producing(out, [&] { return value(t).detach().requires_grad_(true); });
}
kt_status kt_detach(kt_tensor *out, kt_tensor t) {
  return producing(out, [&] { return value(t).detach(); });
}

kt_status kt_gradient(kt_tensor *out, kt_tensor t) {
  return guarded([&] {
    const at::Tensor &gradient = value(t).grad();
    if (gradient.defined()) *out = new kt_tensor_body{gradient};
  });
}
kt_status kt_set_gradient(kt_tensor t, kt_tensor gradient) {
  return guarded([&] { value(t).mutable_grad() = gradient ? value(gradient) : at::Tensor(); });
}

kt_status kt_backward(kt_tensor t, kt_tensor gradient, bool keep_graph) {
  return guarded([&] {
    variable_list seeds;
    if (gradient) seeds.push_back(value(gradient));
    torch::autograd::backward({value(t)}, seeds, keep_graph);
  });
}

kt_status kt_gradients(
    kt_tensor *out, const kt_tensor *outputs, int64_t output_count, const kt_tensor *inputs,
    int64_t input_count, const kt_tensor *seeds, bool keep_graph, bool create_graph) {
  return guarded([&] {
    auto gradients = torch::autograd::grad(
        tensors(outputs, output_count), tensors(inputs, input_count),
        seeds ? tensors(seeds, output_count) : variable_list(), keep_graph || create_graph,
        create_graph, /*allow_unused=*/true);
    for (size_t i = 0; i < gradients.size(); i++)
      if (gradients[i].defined()) out[i] = new kt_tensor_body{gradients[i]};
  });
}

bool kt_records_gradients(void) { return at::GradMode::is_enabled(); }
void kt_set_records_gradients(bool on) { at::GradMode::set_enabled(on); }

namespace {

// The caller's context, released once.
class Context {
 public:
  Context(void *pointer, void (*release)(void *)) : pointer_(pointer), release_(release) {}
  Context(const Context &) = delete;
  Context &operator=(const Context &) = delete;
  Context(Context &&other) noexcept : pointer_(other.pointer_), release_(other.release_) {
    other.pointer_ = nullptr;
  }
  ~Context() { drop(); }
  void drop() {
    if (void *pointer = std::exchange(pointer_, nullptr)) release_(pointer);
  }
  void *get() const { return pointer_; }

 private:
  void *pointer_;
  void (*release_)(void *);
};

class CallbackNode final : public torch::autograd::Node {
 public:
  CallbackNode(
      const char *name, Context &&context, kt_backward_function backward,
      const variable_list &inputs)
      : name_(name), context_(std::move(context)), backward_(backward) {
    for (const auto &input : inputs) shapes_.push_back(input.sizes().vec());
  }

  std::string name() const override { return name_; }
  void release_variables() override { context_.drop(); }
  void release_resources() override {
    context_.drop();
    Node::release_resources();
  }

 protected:
  variable_list apply(variable_list &&arrived) override {
    TORCH_CHECK(
        context_.get(), name_, ": backward ran a second time through a graph that was let go. ",
        "Keep the graph in the first pass.");
    // Handles for undefined gradients stay NULL.
    std::vector<kt_tensor> given(arrived.size(), nullptr);
    for (size_t i = 0; i < arrived.size(); i++)
      if (arrived[i].defined()) given[i] = new kt_tensor_body{std::move(arrived[i])};
    std::vector<kt_tensor> answer(shapes_.size(), nullptr);
    const char *wrong = backward_(
        context_.get(), given.data(), static_cast<int64_t>(given.size()), answer.data(),
        static_cast<int64_t>(answer.size()));
    variable_list gradients(answer.size());
    for (size_t i = 0; i < answer.size(); i++) {
      if (!answer[i]) continue;
      gradients[i] = std::move(answer[i]->value);
      kt_release(answer[i]);
    }
    TORCH_CHECK(!wrong, name_, ": ", wrong);
    for (size_t i = 0; i < gradients.size(); i++)
      TORCH_CHECK(
          !gradients[i].defined() || gradients[i].sizes() == at::IntArrayRef(shapes_[i]), name_,
          ": gradient ", i, " has the shape ", gradients[i].sizes(), ", but its input has ",
          at::IntArrayRef(shapes_[i]));
    return gradients;
  }

 private:
  std::string name_;
  Context context_;
  kt_backward_function backward_;
  std::vector<std::vector<int64_t>> shapes_;
};

}  // namespace

kt_status kt_custom(
    kt_tensor *out, const char *name, const kt_tensor *inputs, int64_t input_count,
    const kt_tensor *outputs, int64_t output_count, void *pointer, kt_backward_function backward,
    void (*release)(void *)) {
  Context context(pointer, release);
  return guarded([&] {
    const auto sources = tensors(inputs, input_count);
    // Fresh variables: attaching history to the caller's own would tie its context into a ring.
    variable_list results;
    for (const auto &output : tensors(outputs, output_count)) {
      TORCH_CHECK(!output.requires_grad(), name, ": an output is already part of a graph");
      results.push_back(output.variable_data());
    }
    bool needed = at::GradMode::is_enabled() &&
                  std::any_of(sources.begin(), sources.end(), [](const at::Tensor &source) {
                    return source.requires_grad();
                  });
    if (needed) {
      auto node =
          c10::make_intrusive<CallbackNode>(name, std::move(context), backward, sources);
      node->set_next_edges(torch::autograd::collect_next_edges(sources));
      torch::autograd::set_history(results, node);
    }
    for (size_t i = 0; i < results.size(); i++) out[i] = new kt_tensor_body{results[i]};
  });
}
