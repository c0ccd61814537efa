"""What an expression may call on either library besides the library itself: `t` comes first.

A sampler hands them out as variables (`using`), since an expression sees nothing else.
"""

import warnings
import zlib

import numpy as np

STEPS = 20


class Named:
    """A function whose text is its name, so that a recording knows it again."""

    def __init__(self, function):
        self.function = function

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)

    def __repr__(self):
        return self.function.__name__


def using(sampler, *functions):
    """The sampler with these functions among its variables, by their names."""
    helpers = {each.__name__: Named(each) for each in functions}
    return lambda rng: {**sampler(rng), **helpers}


def fill(t, module):
    """Give every parameter numbers that depend on its place and shape alone."""
    rng = np.random.default_rng(7)
    with t.no_grad():
        for parameter in module.parameters():
            parameter.copy_(t.tensor(rng.standard_normal(tuple(parameter.shape)).astype("float32") * 0.5))
    return module


def learn(t, module, *inputs):
    """The output of a module in training, the gradients of its parameters, its buffers and a number of its keys."""
    out = fill(t, module)(*inputs)
    weight = t.tensor(np.random.default_rng(8).standard_normal(tuple(out.shape)).astype("float32"))
    parameters = list(module.parameters())
    gradients = t.autograd.grad((out * weight).sum(), parameters, retain_graph=True) if parameters else []
    return [out, *gradients, *module.buffers(), key_number(module)]


def attend(t, module, query, key, value, **options):
    """Output and weights of an attention layer, the gradients of inputs and parameters, and a number of its keys."""
    out, weights = fill(t, module)(query, key, value, **options)
    total = (out * out).sum() if weights is None else (out * out).sum() + (weights * weights).sum()
    parameters = list(module.parameters())
    gradients = t.autograd.grad(total, parameters, retain_graph=True)
    return [out, *([] if weights is None else [weights]), *gradients, key_number(module)]


def learn_twice(t, module, first, second):
    """The output for a second batch in training, for it again in evaluation, and the buffers."""
    fill(t, module)(first)
    return [module(second), module.eval()(second), *module.buffers()]


def key_number(module):
    """A number that differs where the keys of the state differ."""
    return zlib.crc32(",".join(module.state_dict()).encode())


def padded_conv(t, x, weight, bias, sides, **options):
    """A convolution whose four paddings (left, right, top, bottom) PyTorch needs a function of its own for."""
    if t.__name__ == "torch":
        return t.nn.functional.conv2d(t.nn.functional.pad(x, sides), weight, bias, **options)
    return t.nn.functional.conv2d(x, weight, bias, padding=sides, **options)


def quiet(call):
    """What a call gives, without its warnings: PyTorch warns of even kernels with padding 'same'."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call()


def descend(t, x, y, make):
    """The parameters after each of 20 steps of an optimizer on a small network; one never has a gradient."""
    parameters = [t.nn.Parameter(each.to(x.dtype)) for each in start(t)]
    return steps(t, x, y, parameters, make(parameters), STEPS)


def kept(t, x, y, make):
    """What an optimizer keeps of each parameter after a few steps, and a number of the names that it has there."""
    parameters = [t.nn.Parameter(each.to(x.dtype)) for each in start(t)]
    optimizer = make(parameters)
    steps(t, x, y, parameters, optimizer, 4)
    state = optimizer.state_dict()["state"]
    names = [(number, name) for number in sorted(state) for name in sorted(state[number])]
    values = [state[number][name] for number, name in names if name != "step"]  # a tensor there, a number here
    return [*values, float(zlib.crc32(repr(names).encode()))]


def steps(t, x, y, parameters, optimizer, count):
    """The parameters after each step."""
    path = []
    for step in range(count):
        optimizer.zero_grad()
        first, shift, last, _ = parameters
        hidden = t.tanh(x @ first + (shift if step % 3 else 0.0))  # now and then the second one has no gradient either
        ((hidden @ last - y) ** 2).mean().backward()
        optimizer.step()
        path.append(t.cat([each.detach().clone().reshape(-1) for each in parameters]))
    return path


def start(t):
    """Four parameters to begin with."""
    rng = np.random.default_rng(9)
    return [t.tensor(rng.uniform(-0.5, 0.5, shape)) for shape in ((4, 5), (5,), (5, 2), (3,))]


def rates(t, make, steps=30):
    """The learning rates of two groups, over so many steps of a schedule."""
    groups = [{"params": [t.nn.Parameter(t.ones(1))]}, {"params": [t.nn.Parameter(t.ones(1))], "lr": 0.3}]
    optimizer = t.optim.SGD(groups, lr=0.1)
    schedule = make(optimizer)
    found = []
    for _ in range(steps):
        found += [*schedule.get_last_lr(), *[group["lr"] for group in optimizer.param_groups]]
        optimizer.step()
        schedule.step()
    return found


def clipped(t, clip, *arrays):
    """What a clipping function gives and leaves: of parameters with these gradients, and one without."""
    parameters = [t.nn.Parameter(t.zeros(tuple(each.shape))) for each in arrays] + [t.nn.Parameter(t.zeros(2))]
    for parameter, each in zip(parameters, arrays, strict=False):
        parameter.grad = each.detach().clone()
    out = clip(parameters)
    return [parameter.grad for parameter in parameters[:-1]] + ([] if out is None else [out])
