"""Values from PyTorch for the tests of tensors, layers and optimisers.

Run in this folder: ../../../.deps/venv/bin/python make_golden.py
Writes golden.safetensors; its metadata says the format version, the seed and the versions used.
"""
import torch
from safetensors.torch import save_file

SEED = 20200713
torch.manual_seed(SEED)
torch.set_num_threads(1)
golden = {}


def leaf(*shape):
    return torch.randn(*shape).requires_grad_()


# Convolutions with stride, padding and dilation: output and gradients of sum(output * probe).
def convolution(name, function, input_shape, weight_shape, **options):
    x, w, b = leaf(*input_shape), leaf(*weight_shape), leaf(weight_shape[0])
    y = function(x, w, b, **options)
    probe = torch.randn_like(y)
    (y * probe).sum().backward()
    for key, value in dict(x=x, w=w, b=b, y=y, probe=probe).items():
        golden[f"{name}.{key}"] = value.detach()
    for key, value in dict(x=x, w=w, b=b).items():
        golden[f"{name}.{key}.gradient"] = value.grad


F = torch.nn.functional
convolution("conv1d", F.conv1d, (2, 3, 17), (4, 3, 3), stride=2, padding=3, dilation=2)
convolution(
    "conv2d", F.conv2d, (2, 3, 9, 8), (4, 3, 3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 3))
convolution(
    "conv3d", F.conv3d, (1, 2, 6, 5, 7), (3, 2, 2, 3, 3), stride=(1, 2, 2), padding=(0, 1, 2),
    dilation=(2, 1, 1))
convolution("linear", lambda x, w, b: F.linear(x, w, b), (3, 2, 5), (4, 5))

# Entry-wise functions: value and derivative.
x = torch.tensor([-3.0, -1.2, -0.3, 0.2, 0.9, 2.5, 6.0])
golden["functions.x"] = x
functions = dict(
    exp=torch.exp, tanh=torch.tanh, relu=torch.relu, sigmoid=torch.sigmoid, celu=F.celu, elu=F.elu,
    gelu=F.gelu, softplus=F.softplus, square=torch.square, abs=torch.abs, sin=torch.sin,
    cos=torch.cos, clamp=lambda t: t.clamp(-1, 2), cube=lambda t: t**3,
    reciprocal=lambda t: 2 / t)
for name, function in functions.items():
    t = x.clone().requires_grad_()
    y = function(t)
    y.sum().backward()
    golden[f"functions.{name}"] = y.detach()
    golden[f"functions.{name}.gradient"] = t.grad
positive = x.abs()
golden["functions.positive"] = positive
for name in ["log", "sqrt", "rsqrt"]:
    t = positive.clone().requires_grad_()
    y = getattr(t, name)()
    y.sum().backward()
    golden[f"functions.{name}"] = y.detach()
    golden[f"functions.{name}.gradient"] = t.grad

# Reductions over axes, and their gradients along a probe.
x = torch.randn(3, 4, 5) * 30
golden["reductions.x"] = x
reductions = dict(
    sum=lambda t: t.sum((0, 2)), mean=lambda t: t.mean((0, 2)), max=lambda t: t.amax((0, 2)),
    logSumExp=lambda t: t.logsumexp((0, 2)),
    variance=lambda t: t.var((0, 2)), populationVariance=lambda t: t.var((0, 2), correction=0),
    softmax=lambda t: t.softmax(1))
for name, function in reductions.items():
    t = x.clone().requires_grad_()
    y = function(t)
    probe = torch.randn_like(y)
    (y * probe).sum().backward()
    golden[f"reductions.{name}"] = y.detach()
    golden[f"reductions.{name}.probe"] = probe
    golden[f"reductions.{name}.gradient"] = t.grad

# Rounding to bfloat16.
x = torch.randn(64) * 10 ** torch.linspace(-6, 6, 64)
golden["bfloat16.x"] = x
golden["bfloat16.rounded"] = x.bfloat16()

# Optimisers: ten steps along given gradients, rates that change.
start = torch.randn(6)
gradients = torch.randn(10, 6) * torch.tensor([1e-6, 1e-2, 1.0, 1.0, 10.0, 1e3])
rates = torch.linspace(0.1, 0.01, 10, dtype=torch.float64)
golden["optimiser.start"], golden["optimiser.gradients"] = start, gradients
golden["optimiser.rates"] = rates


def follow(make):
    p = start.clone().requires_grad_()
    optimiser = make(p)
    path = []
    for gradient, rate in zip(gradients, rates):
        optimiser.param_groups[0]["lr"] = rate.item()
        p.grad = gradient.clone()
        optimiser.step()
        path.append(p.detach().clone())
    return torch.stack(path)


golden["optimiser.adam"] = follow(lambda p: torch.optim.Adam([p], betas=(0.9, 0.999), eps=1e-8))
golden["optimiser.adamDecay"] = follow(lambda p: torch.optim.AdamW([p], weight_decay=0.1))


def adabelief(decay=0.0, beta1=0.9, beta2=0.999, epsilon=1e-16):
    """Algorithm 2 of Zhuang et al. (2020) with epsilon also added to s in each step, in float64."""
    p, m, s = start.double(), torch.zeros(6).double(), torch.zeros(6).double()
    path = []
    for t, (gradient, rate) in enumerate(zip(gradients.double(), rates), 1):
        p = p * (1 - rate * decay)
        m = beta1 * m + (1 - beta1) * gradient
        s = beta2 * s + (1 - beta2) * (gradient - m) ** 2 + epsilon
        p = p - rate * (m / (1 - beta1**t)) / ((s / (1 - beta2**t)).sqrt() + epsilon)
        path.append(p)
    return torch.stack(path)


golden["optimiser.adaBelief"] = adabelief()
golden["optimiser.adaBeliefDecay"] = adabelief(decay=0.1)



def soap(decay=0.0, beta1=0.95, beta2=0.95, beta=0.95, epsilon=1e-8, interval=10):
    """SOAP (Vyas et al. 2024, algorithm 3), in float64. The first step is made in the basis of its own gradient, columns fall,
    and second moments go with the bases as variances."""
    p, m = soap_start.clone(), torch.zeros_like(soap_start)
    s, left, right = torch.zeros_like(p), torch.zeros(4, 4).double(), torch.zeros(3, 3).double()
    path = []
    for t, g in enumerate(soap_gradients, 1):
        left, right = beta * left + (1 - beta) * g @ g.T, beta * right + (1 - beta) * g.T @ g
        if t == 1:
            u, v = torch.linalg.eigh(left)[1].flip(1), torch.linalg.eigh(right)[1].flip(1)
        elif t % interval == 0:
            old_u, old_v = u, v
            u, v = torch.linalg.qr(left @ u)[0], torch.linalg.qr(right @ v)[0]
            s = (u.T @ old_u) ** 2 @ s @ (old_v.T @ v) ** 2
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * (u.T @ g @ v) ** 2
        turned = (u.T @ m @ v / (1 - beta1**t)) / ((s / (1 - beta2**t)).sqrt() + epsilon)
        p = p * (1 - 0.05 * decay) - 0.05 * u @ turned @ v.T
        path.append(p)
    return torch.stack(path)


# From a generator of its own, so that what follows does not change.
soap_random = torch.Generator().manual_seed(SEED + 1)
soap_start = torch.randn(4, 3, generator=soap_random).double()
soap_gradients = torch.randn(25, 4, 3, generator=soap_random).double()
golden["optimiser.soap.start"], golden["optimiser.soap.gradients"] = soap_start, soap_gradients
golden["optimiser.soap"], golden["optimiser.soapDecay"] = soap(), soap(decay=0.1)

# The one-cycle schedule.
p = torch.zeros(1, requires_grad=True)
optimiser = torch.optim.Adam([p], lr=1e-3)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=2e-3, total_steps=50)
path = []
for _ in range(50):
    path.append(optimiser.param_groups[0]["lr"])
    optimiser.step()
    schedule.step() if len(path) < 50 else None
golden["schedule.oneCycle"] = torch.tensor(path, dtype=torch.float64)

import safetensors

save_file(
    {name: value.contiguous() for name, value in golden.items()}, "golden.safetensors",
    metadata=dict(
        format_version="1", seed=str(SEED), torch=torch.__version__,
        safetensors=safetensors.__version__))
