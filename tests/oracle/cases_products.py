"""Matrix products and einsum."""

from agreement import Case, cases, given
from drawing import of, whole

from tinytorch.testing.selection_cases import PRODUCTS


def drawn(rng):
    a, b = PRODUCTS[0].sample(rng, "float32")
    return {"a": a.copy(), "b": b.copy()}


EQUATIONS = """
    i->; i->i; ij->ji; ij->i; ij->j; ij->; ii->i; ii->; ii; ijk->kji; ...ij->...ji; ...->...; ij...->ji...
    iij->j; iji->ij; iii->i; i,i->; i,j->ij; ij,j->i; ij,jk->ik; ij,jk; ij,kj->ik; ij,ij->ij; ij,ij->; ij,ji->
    i,ij->j; bij,bjk->bik; bij,jk->bik; bi,bj->bij; ij,ij->i; ...ij,...jk->...ik; ...i,...i->...; i...,i...->...
    ...i,ij->...j; ij,kl->ijkl; ij,kl->; ii,ij->j; bhqd,bhkd->bhqk; bn,anm,bm->ba; i,i,i->i; ij,jk,kl->il
    i,j,k->ijk; ij,j,i->; ab...,bc...->ac...; i,->i; ,i->i; ij,k->kij; ij,jj->i; ij,j->ij; ...,...->...
    aab,b->a; ij , jk -> ik
"""


def operands(equation):
    """A sampler of tensors that fit; a repeated label has one size, and "..." is sometimes shorter or of size 1."""

    def sample(rng):
        terms = equation.replace(" ", "").partition("->")[0].split(",")
        sizes = {label: int(rng.integers(1, 4)) for label in "".join(terms).replace(".", "")}
        dots = tuple(int(n) for n in rng.integers(1, 4, rng.integers(0, 3)))
        return {"parts": [of(*_shape(rng, term, sizes, dots))(rng) for term in terms]}

    return sample


def _shape(rng, term, sizes, dots):
    before, found, after = term.partition("...")
    middle = dots[rng.integers(0, len(dots) + 1) :] if rng.random() < 0.3 else dots
    middle = tuple(1 if rng.random() < 0.2 else size for size in middle) if found else ()
    return (*[sizes[label] for label in before], *middle, *[sizes[label] for label in after])


CASES = [
    *cases("any", drawn, "a @ b; t.matmul(a, b); (a @ b).sum(); a.matmul(b) * 2"),
    *cases(
        "by hand",
        given(v=of(3), w=of(3), a=of(2, 3), b=of(3, 4), c=of(5, 2, 3), d=of(5, 3, 4), e=of(2, 1, 2, 3), f=of(3, 3, 4)),
        """
        v @ w; a @ v; v @ b; a @ b; c @ b; a @ d; c @ d; c @ v; v @ d; e @ f; e @ b; a @ f; v @ f; e @ v
        t.mm(a, b); a.mm(b); t.bmm(c, d); t.dot(v, w); v.dot(w); t.outer(v, w); v.outer(a[0]); c.bmm(d); a @ a.T
        a.T @ a; c @ c.mT; c.transpose(1, 2) @ c; (c @ d).sum(0) @ b.T; t.matmul(c.permute(1, 0, 2), d[:2])
        a[:, ::2] @ b[::2]; b.T @ a.T; a.expand(5, 2, 3) @ d; c.transpose(0, 1) @ b
        """,
    ),
    *cases(
        "whole",
        given(x=whole(-3, 4, 2, 3), y=whole(-3, 4, 3, 2), v=whole(-3, 4, 3)),
        """
        x @ y; x @ v; v @ v; t.outer(v, v); x.double() @ y.double(); t.einsum('ij,jk->ik', x, y)
        x.int() @ y.int(); v.to(t.uint8) @ v.to(t.uint8)
        """,
    ),
    *cases(
        "empty",
        given(a=of(0, 3), b=of(3, 0), c=of(2, 0, 3)),
        "a @ b; b @ a; c @ b; a.T @ a; t.einsum('ij,jk->ik', b, a); t.einsum('ij->j', a)",
    ),
    *[
        Case("einsum", f"t.einsum('{equation.strip()}', *parts)", operands(equation.strip()))
        for line in EQUATIONS.split("\n")
        for equation in line.split(";")
        if equation.strip()
    ],
    *cases(
        "einsum by list",
        operands("ij,jk->ik"),
        "t.einsum('ij,jk->ik', parts); t.einsum('ij,jk->ik', *[part * 2 for part in parts])",
    ),
]
