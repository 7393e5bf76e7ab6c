"""Autoencoders in PyTorch for the tests of reductions: weights, inputs, latents, outputs, gradients.

Run in this folder: ../../../.deps/venv/bin/python networks.py
Writes networks.safetensors; its metadata says the format version, the seed and the versions used.
Everything is in float64, and the weights are those of the layers' usual start.
"""
import safetensors
import torch
from safetensors.torch import save_file
from torch import nn

SEED = 20220214
torch.manual_seed(SEED)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
golden = {}


class TanhPlus(nn.Module):
    def forward(self, x):
        return 0.5 + 0.5 * torch.tanh(x)


class Residual(nn.Module):
    """A dense layer that adds its input where widths are equal, with its function."""

    def __init__(self, inputs, outputs, function):
        super().__init__()
        self.linear, self.function = nn.Linear(inputs, outputs), function

    def forward(self, x):
        y = self.linear(x)
        return self.function(y + x if y.shape == x.shape else y)


def record(name, encoder, decoder, parameters, x):
    """Latents, output and the gradients of the mean squared error."""
    latents = encoder(x)
    output = decoder(latents)
    ((output - x) ** 2).mean().backward()
    golden[f"{name}.x"], golden[f"{name}.latents"] = x, latents.detach()
    golden[f"{name}.output"] = output.detach()
    for key, (tensor, arrange) in parameters.items():
        golden[f"{name}.parameter.{key}"] = arrange(tensor.detach())
        golden[f"{name}.gradient.{key}"] = arrange(tensor.grad)


def same(tensor):
    return tensor


def exchanged(weight):
    """The kernel of the convolution that equals a transposed one of stride 1."""
    return weight.transpose(0, 1).flip(2)


def dense(name, channels, cells, hidden, latents):
    widths = [channels * cells, *hidden, latents]
    encoder = [Residual(a, b, nn.CELU()) for a, b in zip(widths, widths[1:])]
    back = widths[::-1]
    decoder = [Residual(a, b, nn.CELU()) for a, b in zip(back, back[1:])]
    decoder[-1].function = TanhPlus()
    parameters = {}
    for part, layers in [("encoder", encoder), ("decoder", decoder)]:
        for index, layer in enumerate(layers):
            parameters[f"{part}.{index}.weight"] = (layer.linear.weight, same)
            parameters[f"{part}.{index}.bias"] = (layer.linear.bias, same)
    record(
        name, nn.Sequential(nn.Flatten(), *encoder),
        nn.Sequential(*decoder, nn.Unflatten(1, (channels, cells))), parameters,
        torch.rand(4, channels, cells))


class Encoder(nn.Module):
    def __init__(self, widths, length, latents, circular, normalised):
        super().__init__()
        mode = "circular" if circular else "zeros"
        self.length = length
        self.padded = 1 << (length - 1).bit_length()
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, 5, padding=2, padding_mode=mode) for a, b in zip(widths, widths[1:]))
        self.norms = nn.ModuleList(
            nn.BatchNorm1d(b, affine=False) for b in (widths[1:-1] if normalised else []))
        self.head = nn.Linear(widths[-1] * (self.padded >> len(self.layers)), latents)

    def forward(self, x):
        left = (self.padded - self.length) // 2
        x = nn.functional.pad(x, (left, self.padded - self.length - left))
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index < len(self.norms):
                x = self.norms[index](x)
            x = nn.functional.celu(nn.functional.avg_pool1d(x, 2))
        return nn.functional.celu(self.head(x.flatten(1)))


class Decoder(nn.Module):
    def __init__(self, widths, length, latents, circular, transposed):
        super().__init__()
        self.length, self.circular = length, circular
        self.padded = 1 << (length - 1).bit_length()
        self.short = self.padded >> (len(widths) - 1)
        self.head = nn.Linear(latents, widths[0] * self.short)
        mode = "circular" if circular else "zeros"
        self.layers = nn.ModuleList(
            nn.ConvTranspose1d(a, b, 5, padding=2) if transposed
            else nn.Conv1d(a, b, 5, padding=2, padding_mode=mode)
            for a, b in zip(widths, widths[1:]))

    def forward(self, latents):
        x = nn.functional.celu(self.head(latents))
        x = x.reshape(len(x), -1, self.short)
        for index, layer in enumerate(self.layers):
            if self.circular:
                x = nn.functional.pad(x, (1, 1), mode="circular")
            x = nn.functional.interpolate(x, scale_factor=2, mode="linear", align_corners=False)
            x = layer(x[..., 2:-2] if self.circular else x)
            last = index == len(self.layers) - 1
            x = TanhPlus()(x) if last else nn.functional.celu(x)
        left = (self.padded - self.length) // 2
        return x[..., left:left + self.length]


def convolutional(
        name, channels, cells, stages, latents, circular=False, normalised=False, transposed=False):
    encoder = Encoder([channels, *stages], cells, latents, circular, normalised)
    decoder = Decoder([*stages[::-1], channels], cells, latents, circular, transposed)
    parameters = {}
    for part, network in [("encoder", encoder), ("decoder", decoder)]:
        for index, layer in enumerate(network.layers):
            arrange = exchanged if isinstance(layer, nn.ConvTranspose1d) else same
            parameters[f"{part}.{index}.weight"] = (layer.weight, arrange)
            parameters[f"{part}.{index}.bias"] = (layer.bias, same)
        parameters[f"{part}.head.weight"] = (network.head.weight, same)
        parameters[f"{part}.head.bias"] = (network.head.bias, same)
    record(name, encoder, decoder, parameters, torch.rand(4, channels, cells))
    for index, norm in enumerate(encoder.norms):
        golden[f"{name}.buffer.encoder.{index}.mean"] = norm.running_mean
        golden[f"{name}.buffer.encoder.{index}.variance"] = norm.running_var
    if normalised:
        golden[f"{name}.latentsInUse"] = encoder.eval()(golden[f"{name}.x"]).detach()


dense("dense", 2, 5, [7, 7], 3)
convolutional("plain", 1, 16, [3, 4, 5, 2], 4)
convolutional("padded", 2, 13, [3, 4, 2], 2, transposed=True)
convolutional("circular", 1, 16, [3, 4, 2], 3, circular=True)
convolutional("normalised", 1, 16, [3, 4, 2], 3, normalised=True)

# The divergence of a normal distribution from the standard one, by PyTorch's own formula.
mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
golden["divergence.mean"], golden["divergence.logVariance"] = mean, log_variance
golden["divergence"] = torch.distributions.kl_divergence(
    normal, torch.distributions.Normal(0.0, 1.0)).sum(1).mean().reshape(1)

save_file(
    {name: value.contiguous() for name, value in golden.items()}, "networks.safetensors",
    metadata=dict(
        format_version="1", seed=str(SEED), torch=torch.__version__,
        safetensors=safetensors.__version__))
