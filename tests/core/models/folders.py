"""Folders as Hugging Face keeps models, small and made of numbers that a formula gives."""

import json
import struct

import numpy as np

SIZES = {"vocab_size": 11, "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2}
CONFIGS = {
    "gpt2": {"vocab_size": 11, "n_positions": 6, "n_embd": 8, "n_layer": 2, "n_head": 2},
    "llama": {**SIZES, "num_key_value_heads": 1, "max_position_embeddings": 16, "rope_theta": 50.0},
    "bert": {**SIZES, "max_position_embeddings": 6},
}
BLOCKS = {
    "gpt2": {
        "ln_1": (8,),
        "attn.c_attn": (8, 24),
        "attn.c_proj": (8, 8),
        "ln_2": (8,),
        "mlp.c_fc": (8, 32),
        "mlp.c_proj": (32, 8),
    },
    "llama": {
        "input_layernorm.weight": (8,),
        "self_attn.q_proj.weight": (8, 8),
        "self_attn.k_proj.weight": (4, 8),
        "self_attn.v_proj.weight": (4, 8),
        "self_attn.o_proj.weight": (8, 8),
        "post_attention_layernorm.weight": (8,),
        "mlp.gate_proj.weight": (12, 8),
        "mlp.up_proj.weight": (12, 8),
        "mlp.down_proj.weight": (8, 12),
    },
    "bert": {
        "attention.self.query": (8, 8),
        "attention.self.key": (8, 8),
        "attention.self.value": (8, 8),
        "attention.output.dense": (8, 8),
        "attention.output.LayerNorm": (8,),
        "intermediate.dense": (12, 8),
        "output.dense": (8, 12),
        "output.LayerNorm": (8,),
    },
}


def weights(kind):
    """All weights of a model of this kind, by Hugging Face's names: about 0.5 wide, those of norms about 1."""
    shapes = _shapes(kind)
    arrays = {}
    for number, (name, shape) in enumerate(sorted(shapes.items())):
        waves = 0.7 * np.sin(1.3 * np.arange(1, 1 + np.prod(shape)) ** 1.1 + number).reshape(shape)
        arrays[name] = (1 + waves / 7 if len(shape) == 1 and name.endswith("weight") else waves).astype(np.float32)
    return arrays


def _shapes(kind):
    if kind == "llama":
        shapes = {"model.embed_tokens.weight": (11, 8), "model.norm.weight": (8,), "lm_head.weight": (11, 8)}
        return shapes | {f"model.layers.{i}.{name}": shape for i in (0, 1) for name, shape in BLOCKS[kind].items()}
    if kind == "gpt2":
        shapes, block, norm = {"wte.weight": (11, 8), "wpe.weight": (6, 8)}, "h", "ln_f"
    else:
        rows = {"word": 11, "position": 6, "token_type": 2}
        shapes = {f"embeddings.{name}_embeddings.weight": (count, 8) for name, count in rows.items()}
        block, norm = "encoder.layer", "embeddings.LayerNorm"
    pairs = {f"{block}.{i}.{name}": shape for i in (0, 1) for name, shape in BLOCKS[kind].items()} | {norm: (8,)}
    shapes |= {f"{name}.weight": shape for name, shape in pairs.items()}
    biased_by = -1 if kind == "gpt2" else 0  # GPT-2's matrices are stored as (in, out)
    return shapes | {f"{name}.bias": (shape[biased_by],) for name, shape in pairs.items()}


def write(folder, kind, arrays=None, **settings):
    """Write config.json and model.safetensors; settings are put over the kind's, "absent" removes one."""
    values = {"model_type": kind, **CONFIGS.get(kind, {}), **settings}
    (folder / "config.json").write_text(json.dumps({key: value for key, value in values.items() if value != "absent"}))
    write_safetensors(folder / "model.safetensors", weights(kind) if arrays is None else arrays)
    return folder


def write_safetensors(path, arrays):
    """Write arrays as safetensors; uint16 stands for bfloat16, of which it has the bits."""
    names = {"float32": "F32", "float16": "F16", "uint16": "BF16", "int64": "I64", "float64": "F64"}
    header, data = {}, b""
    for name, array in arrays.items():
        end = len(data) + array.nbytes
        header[name] = {
            "dtype": names[array.dtype.name],
            "shape": array.shape,
            "data_offsets": [len(data), end],
        }
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
