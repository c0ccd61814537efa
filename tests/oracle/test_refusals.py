"""What PyTorch refuses, tinytorch refuses: in one sentence that names the op."""

import pytest
from agreement import HAS_TORCH, evaluate

import tinytorch

ALIKE = (RuntimeError, TypeError, ValueError, IndexError, ZeroDivisionError, KeyError)

REFUSED = [
    each.strip()
    for each in """
    x + t.ones(5); x * t.ones(3, 2, 2); t.maximum(x, t.ones(7)); t.where(x, x, x); t.where(x > 0, x, t.ones(9))
    x + 'a'; x + None; x & x; ~x; x | 1; i // 0; i % 0; i ** -1; m - m; -m if False else m - True; t.clamp(x)
    x.clamp(); i.mean(); m.mean(); i.var(); i.std(); x.sum(5); x.sum((0, 0)); x.sum('a'); x.mean(-3); x.max(4)
    x.argmax(2); e.max(); e.argmax(); e.amax(); e.min(1) if False else e.amin(); x.topk(9); x.topk(-1)
    x.topk(1, 5); x.sort(3); x.cumsum(2); x.cumsum(); x.prod(7); x.logsumexp(4); x.norm(2, 5); i.norm()
    x.reshape(5); x.reshape(-1, -1); x.reshape(-2); x.view(7); x.T.view(-1); x.reshape(-1, 5); e.reshape(-1, 0)
    x.permute(0); x.permute(0, 0); x.permute(0, 5); x.permute(0, 1, 1); x.transpose(0, 3); three.t()
    x.flatten(1, 0); x.flatten(5); x.unflatten(1, (5, 2)); x.unflatten(0, (-1, 4)); x.squeeze(4); x.unsqueeze(5)
    x.unsqueeze(-4); x.expand(5, 4); x.expand(4); x.expand(-1, 3, 4); x.expand(3, -2); x.repeat(2); x.flip(3)
    x.flip(0, 0); x.movedim(0, 4); t.cat([]); t.cat([x, t.ones(2, 2)]); t.cat([x, x], 3); t.cat(x)
    t.cat([n, n]); t.cat([x, 1]); t.stack([]); t.stack([x, x.T]); t.stack([x, x], 4); t.cat([x, three])
    x.split(0); x.split([1, 1]); x.split([-1, 4]); x.chunk(0); x.split(2, 5); x.narrow(0, 2, 5)
    x.narrow(0, -5, 1); x.narrow(0, 0, -1); x.select(0, 9); x.unbind(4); n.split(1); x[5]; x[0, 9]; x[0, 0, 0]
    x[::-1]; x['a']; x[1.5]; x[t.tensor([7])]; x[t.tensor([1.0])]; x[t.tensor([True, False])]
    x[:, t.tensor([9])]; x[[9]]; n[0]; x[t.tensor([0, 1]), t.tensor([0, 1, 2])]; put(x, 9, 0)
    put(x, 0, t.ones(3)); put(x, m, t.ones(99)); put(x, (0, 0, 0), 1); put(x, slice(None, None, -1), 0)
    put(x, 0, 'a'); put(n, 0, 1); put(x, [9], 0); x.gather(0, t.tensor([[9]])); x.gather(5, t.tensor([[0]]))
    x.gather(0, t.tensor([0])); x.gather(0, t.tensor([[0.5]])); x.gather(0, t.zeros(2, 9).long())
    x.scatter_add(0, t.tensor([[7]]), x); x.index_select(0, t.tensor([9])); x.index_select(4, t.tensor([0]))
    x.index_select(0, t.tensor([[0, 1]])); x.index_select(0, t.tensor([0.5])); x.masked_select(t.ones(9).bool())
    x.masked_select(x); x.scatter_add(0, t.zeros(3, 4).long(), t.ones(1, 1)); x.masked_fill(m[:, :2], 0)
    x.masked_fill(x, 0); x.masked_fill(m, 'a'); x.masked_fill(m, t.ones(2))
    i.masked_fill(m, 1.5) if False else n[None, 0, 0]; x @ x; x @ t.ones(5); t.ones(3) @ t.ones(4); x @ n; n @ n
    three @ t.ones(3, 4, 5); x @ 2; t.mm(x, three); t.mm(x, t.ones(3)); t.bmm(x, x); t.dot(x, x)
    t.dot(t.ones(2), t.ones(3)); t.outer(x, x); t.mm(x, x); t.einsum('ij,jk->ik', x); t.einsum('ij->k', x)
    t.einsum('ijk->i', x); t.einsum('ij,ij', x, t.ones(5, 5)); t.einsum('i->ii', t.ones(2)); t.einsum('ii', x)
    t.einsum('i1->i', x); t.einsum('ij->...', three) if False else t.einsum('', x); t.zeros(-1); t.zeros(2.5)
    t.ones('a'); t.full((2,), 'a'); t.full((-1,), 1); t.eye(-1); t.eye(2, -1); t.arange(0, 5, 0)
    t.arange(0, 5, -1); t.arange(5, 0); t.linspace(0, 1, -1); t.arange(0, float('inf')); t.tensor([[1], [1, 2]])
    t.tensor('a'); t.tensor(['a']); t.tensor(None); t.tensor([1], requires_grad=True)
    t.zeros(2, dtype=t.int64, requires_grad=True); t.tensor([1, None]); t.tensor({}); t.from_numpy([1, 2])
    t.randint(5, 2, (3,)); t.randn(2, dtype=t.int64); t.rand(-1); t.bernoulli(t.tensor([2.0]))
    t.multinomial(t.zeros(3), 1); t.multinomial(t.ones(2), 3); t.randint(0, 0, (2,))
    t.multinomial(t.tensor([-1.0, 2.0]), 1); x.item(); float(x); int(x); bool(x); len(n); iter(n); bool(e)
    t.ones(2).tril(); n.triu(); x.tril('a'); e.item(); [0, 1][n]; x.to('float33')
    x.to(None) if False else x.to(dtype='nonsense'); i.requires_grad_(); m.requires_grad_(True)
    x.requires_grad_().numpy(); x.backward(); n.backward(); x.requires_grad_().backward()
    (x.requires_grad_() * 2).backward(t.ones(2)); (x.requires_grad_() * 2).requires_grad_(False)
    x.requires_grad_().add_(1); x.requires_grad_().fill_(0); put_into(x.requires_grad_(), 0, 1)
    x.requires_grad_()[0].add_(1); x.retain_grad(); (x.requires_grad_() * 2).sum().backward(t.ones(3))
    t.autograd.grad(n, x.requires_grad_()); x.requires_grad_().mul_(2); x.requires_grad_().zero_(); i.add_(0.5)
    i.div_(2); m.add_(1); x.add_(t.ones(5)); x[0].add_(t.ones(9)); x.copy_(t.ones(9)); t.ones(4).add_(x)
    t.autograd.grad(x.sum(), x); t.autograd.grad((x.requires_grad_() * 1).sum(), t.ones(2, requires_grad=True))
    x.new_zeros(-1); t.full_like(x, 'a'); t.zeros_like(2); t.sum(3); t.exp('a'); t.sqrt(None); t.abs([1])
    t.cat([[1]]); t.stack(3); t.where(m, 'a', x); x.pow('a'); x / 'a'; x @ 'a'; 'a' @ x; t.clamp(x, 'a')
    x.round(decimals='a'); x.sum(dim=0, axis=0); x.sum(1.5); x.transpose('a', 0); x.view('a'); x.reshape(2.0, 6)
    x.expand('a'); x.unsqueeze('a'); x.softmax(9) if hasattr(x, 'softmax') else x.sum(9); x.argsort(7); x.min(8)
    x.std(6); x.all(5); x.any(5); x.var(9)
    """.replace("\n", ";").split(";")
    if each.strip() and " if False " not in each
]


def variables(t):
    return {
        "x": t.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]),
        "three": t.ones(2, 3, 4),
        "i": t.tensor([[1, 2, 0, 4]]),
        "m": t.tensor([[True, False, True, True]]),
        "e": t.zeros(0, 2),
        "n": t.tensor(2.5),
        "put_into": lambda x, index, value: x.__setitem__(index, value),
    }


@pytest.mark.parametrize("expression", REFUSED)
def test_refuses_in_one_sentence(expression):
    with pytest.raises(ALIKE) as caught:
        evaluate(expression, tinytorch, variables(tinytorch))
    text = str(caught.value)
    assert text, "the error says nothing"
    assert "\n" not in text
    assert not text.endswith("."), text
    assert text[0].islower() or text[0] in "'\"", text


@pytest.mark.parametrize("expression", REFUSED if HAS_TORCH else [])
@pytest.mark.filterwarnings("ignore")
def test_pytorch_refuses_it_too(expression):
    torch = pytest.importorskip("torch")
    with pytest.raises((*ALIKE, NotImplementedError, AssertionError)):
        evaluate(expression, torch, variables(torch))


def test_there_are_enough():
    assert len(set(REFUSED)) == len(REFUSED) > 240
