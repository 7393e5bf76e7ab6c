"""Values and gradients of PyTorch's LSTM and GRU for the tests of recurrent networks.

Run in this folder: ../../../.deps/venv/bin/python recurrent.py
Writes recurrent.safetensors; its metadata says the format version, the seed and the version used.

For each case: parameters, inputs, initial state, predictions 0.5 + 0.5 tanh(V h + d) after each input,
final state, and the gradients of sum(predictions * probe).
"""
import torch
from safetensors.torch import save_file

SEED = 20220415
torch.manual_seed(SEED)
torch.set_num_threads(1)
golden = {}


def case(name, network, latents, units, layers, batch, steps):
    recurrent = network(latents, units, layers, batch_first=True)
    output = torch.nn.Linear(units, latents)
    parameters = {f"rnn.{key}": value for key, value in recurrent.named_parameters()}
    parameters |= {f"output.{key}": value for key, value in output.named_parameters()}
    inputs = torch.rand(batch, steps, latents).requires_grad_()
    hidden = torch.rand(layers, batch, units) - 0.5
    memory = torch.rand(layers, batch, units) - 0.5
    lstm = network is torch.nn.LSTM
    values, last = recurrent(inputs, (hidden, memory) if lstm else hidden)
    predictions = 0.5 + 0.5 * torch.tanh(output(values))
    probe = torch.randn_like(predictions)
    (predictions * probe).sum().backward()

    def state(parts):
        return torch.stack(parts, 2).transpose(0, 1).contiguous()  # [batch, layers, parts, units]

    golden[f"{name}.inputs"] = inputs.detach()
    golden[f"{name}.start"] = state([hidden, memory] if lstm else [hidden])
    golden[f"{name}.predictions"] = predictions.detach()
    golden[f"{name}.end"] = state(list(last) if lstm else [last]).detach()
    golden[f"{name}.probe"] = probe
    golden[f"{name}.inputs.gradient"] = inputs.grad
    for key, value in parameters.items():
        golden[f"{name}.{key}"] = value.detach()
        golden[f"{name}.{key}.gradient"] = value.grad


case("lstm", torch.nn.LSTM, latents=2, units=32, layers=1, batch=5, steps=7)
case("gru", torch.nn.GRU, latents=2, units=32, layers=1, batch=5, steps=7)
case("lstm2", torch.nn.LSTM, latents=3, units=19, layers=2, batch=18, steps=4)
case("gru2", torch.nn.GRU, latents=3, units=19, layers=2, batch=18, steps=4)

save_file(
    {key: value.contiguous() for key, value in golden.items()}, "recurrent.safetensors",
    metadata={"format_version": "1", "seed": str(SEED), "torch": torch.__version__})
