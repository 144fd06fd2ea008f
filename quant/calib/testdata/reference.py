"""Makes the vectors that the tests of quant/{gptq,awq,hqq,smooth,llmint8} read,
by running their authors' own code on the CPU in float32.

    python3 reference.py CHECKOUTS OUT

CHECKOUTS holds clones of, at the commits that `commits` names,
    gptq          github.com/IST-DASLab/gptq
    AutoAWQ       github.com/casper-hansen/AutoAWQ
    hqq           github.com/mobiusml/hqq
    smoothquant   github.com/mit-han-lab/smoothquant
    bitsandbytes  github.com/bitsandbytes-foundation/bitsandbytes
OUT is the quant folder of this repository. Made with Debian 12's python3-torch
(1.13.1) and python3-numpy. Nothing of the clones is copied: what they import
and is not needed here is stubbed.
"""
import json, math, os, re, sys, types
from unittest.mock import MagicMock
import numpy as np
import torch

torch.set_num_threads(1)
torch.compile = lambda *a, **kw: a[0] if a else lambda f: f  # this torch has none: functions stay as they are
commits = {"gptq": "2d65066", "AutoAWQ": "88e4c76", "hqq": "e0b1d00", "smoothquant": "c61476d", "bitsandbytes": "95f9af3"}
clones, out = sys.argv[1], sys.argv[2]


# ----- the layer: Weights and Activations of quant/internal/testdata

class Draws:
    def __init__(self, seed):
        self.s = seed

    def next(self):
        m = (1 << 64) - 1
        self.s = (self.s + 0x9E3779B97F4A7C15) & m
        z = self.s
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & m
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & m
        return z ^ (z >> 31)

    def normal(self):
        return (sum(self.next() >> 40 for _ in range(12)) - (6 << 24)) / (1 << 24)


def layer():
    d = Draws(1)
    w = np.zeros((64, 128), np.float32)
    for i in range(64):
        for j in range(128):
            v = d.normal() * 0.046875
            w[i, j] = v * 8 if (i * 131 + j * 17) % 97 == 0 else v
    d = Draws(2)
    x = np.zeros((256, 128), np.float32)
    for t in range(256):
        g = [d.normal() for _ in range(128)]
        for c in range(128):
            v = 0.625 * g[c] + 0.75 * g[7 * c % 16]
            x[t, c] = v * 8 if c % 16 == 3 else v * 0.25 if c % 5 == 0 else v
    return torch.from_numpy(w), torch.from_numpy(x)


W, X = layer()


def lose(back, w=W, x=X):
    """‖X(Ŵ−W)ᵀ‖² / ‖XWᵀ‖² in float64."""
    w, x, back = w.double(), x.double(), back.double()
    return (((back - w) @ x.t()) ** 2).sum().item() / ((w @ x.t()) ** 2).sum().item()


def hexes(codes, bits):
    f = "%02x" if bits > 4 else "%x"
    return ["".join(f % int(q) for q in row) for row in codes.tolist()]


def short(v):
    """Nine digits name a float32; fewer bytes, the same numbers."""
    if isinstance(v, float):
        return float("%.9g" % v)
    if isinstance(v, list):
        return [short(x) for x in v]
    if isinstance(v, dict):
        return {k: short(x) for k, x in v.items()}
    return v


def save(package, source, cases):
    os.makedirs(f"{out}/{package}/testdata", exist_ok=True)
    with open(f"{out}/{package}/testdata/reference.json", "w") as f:
        text = json.dumps({"source": source, "made_by": "quant/calib/testdata/reference.py", "cases": short(cases)}, indent=1)
        # Lists of numbers on one line.
        f.write(re.sub(r"\[\s+([-\d.e,\s]+?)\s+\]", lambda m: "[" + re.sub(r"\s+", "", m.group(1)) + "]", text) + "\n")


def load(path, name, **given):
    """Runs a file of a clone as a module."""
    m = types.ModuleType(name)
    m.__dict__.update(given)
    exec(compile(open(f"{clones}/{path}").read(), path, "exec"), m.__dict__)
    return m


# ----- GPTQ

def gptq():
    sys.modules["transformers"] = MagicMock(Conv1D=type("Conv1D", (), {}))
    torch.cuda.synchronize = lambda: None
    sys.path.insert(0, f"{clones}/gptq")
    import gptq as ref, quant

    class Recorded(quant.Quantizer):
        grids = []

        def find_params(self, x, weight=False):
            super().find_params(x, weight)
            Recorded.grids.append((self.scale.flatten().clone(), self.zero.flatten().clone()))

    def run(rows=16, bits=4, sym=False, group=32, act=False, block=128, damp=0.01, static=False, mse=False, dead=(), batches=1, tokens=256):
        w, x = W[:rows].clone(), X[:tokens].clone()
        x[:, list(dead)] = 0
        lin = torch.nn.Linear(128, rows, bias=False)
        lin.weight.data = w.clone()
        g = ref.GPTQ(lin)
        g.quantizer = Recorded()
        g.quantizer.configure(bits, perchannel=True, sym=sym, mse=mse)
        g.add_batch(x.reshape(batches, -1, 128), None)
        perm = list(range(128))
        if act:
            h = torch.diag(g.H).clone()
            h[h == 0] = 1
            perm = torch.argsort(h, descending=True).tolist()
        Recorded.grids = []
        g.fasterquant(blocksize=block, percdamp=damp, groupsize=group, actorder=act, static_groups=static)
        size = 128 if group == -1 else group
        groups = -(-128 // size)
        grids = Recorded.grids if group == -1 else Recorded.grids[1:]
        assert len(grids) == groups
        scale = torch.stack([s for s, _ in grids], 1)
        zero = torch.stack([z for _, z in grids], 1)
        index = [0] * 128
        for k, c in enumerate(perm):
            index[c] = (c if static else k) // size
        q = lin.weight.data
        codes = torch.round(q / scale[:, index]) + zero[:, index]
        return {
            "rows": rows, "bits": bits, "sym": sym, "group": group, "act_order": act, "block": block, "damp": damp, "static_groups": static,
            "mse": mse, "dead": list(dead), "batches": batches, "tokens": tokens, "codes": hexes(codes, bits), "scales": scale.tolist(), "zeros": zero.int().tolist(),
            "group_index": index, "permutation": perm if act else None, "output_error": lose(q, w, x),
        }

    cases = {
        "4 bits, group 32": run(rows=64),
        "4 bits, group 32, symmetric": run(sym=True),
        "4 bits, group 32, act-order": run(rows=64, act=True),
        "4 bits, group 32, symmetric, act-order": run(sym=True, act=True),
        "4 bits, group 32, static groups": run(static=True),
        "4 bits, group 32, static groups, act-order": run(static=True, act=True),
        "4 bits, group 32, block 32": run(block=32),
        "4 bits, group 48, block 40": run(group=48, block=40),
        "4 bits, a row": run(group=-1),
        "4 bits, a row, symmetric, mse": run(group=-1, sym=True, mse=True),
        "4 bits, group 64, mse": run(group=64, mse=True),
        "3 bits, group 32, act-order": run(bits=3, act=True),
        "2 bits, group 32": run(bits=2),
        "2 bits, group 16, damp 0.1": run(bits=2, group=16, damp=0.1),
        "8 bits, a row, symmetric": run(bits=8, group=-1, sym=True),
        "dead columns": run(dead=(0, 17, 64)),
        "a dead column, a row, act-order, 4 batches": run(dead=(64,), group=-1, act=True, batches=4),
        "fewer tokens than inputs": run(tokens=40, damp=0.05),
    }
    save("gptq", f"IST-DASLab/gptq {commits['gptq']}, gptq.py and quant.py", cases)


# ----- AWQ

def awq():
    for m in ["transformers", "tqdm", "awq", "awq.utils", "awq.utils.calib_data", "awq.quantize", "awq.quantize.scale", "awq.utils.utils", "awq.modules", "awq.modules.linear", "awq.utils.module"]:
        sys.modules[m] = MagicMock()
    ref = load("AutoAWQ/awq/quantize/quantizer.py", "quantizer").AwqQuantizer

    def run(bits=4, group=32, zero=True, duo=False, tokens=256, clip=True, tiny=()):
        q = ref.__new__(ref)
        q.w_bit, q.group_size, q.zero_point, q.duo_scaling = bits, group, zero, duo
        q.max_chunk_memory, q.n_parallel_calib_samples = 1 << 30, None
        x = X[:tokens].clone() if tokens <= 256 else torch.cat([X * (1 + 0.01 * i) for i in range(-(-tokens // 256))])[:tokens]
        x[:, list(tiny)] = 0
        lin = torch.nn.Linear(128, 64, bias=False)
        lin.weight.data = W.clone()
        # The code keeps the weights aside with state_dict and .cpu(), which is a
        # copy on a GPU; on the CPU it is the weights themselves, and they would be
        # left times the first scales.
        kept = lin.state_dict
        lin.state_dict = lambda: {k: v.clone() for k, v in kept().items()}
        losses = []
        loss = q._compute_loss
        q._compute_loss = lambda *a: losses.append(loss(*a)) or losses[-1]
        q._sanitize_kwargs = lambda kw, m: kw
        _, _, s = q._search_best_scale(lin, lin, [lin], x)
        w2 = W * s.view(1, -1)
        most = None
        if clip:
            most = q._compute_best_clip(w2, x / s.view(1, -1)).squeeze(-1)
            m = most.repeat_interleave(group, 1)
            w2 = torch.minimum(torch.maximum(w2, -m), m)
        back, scale, zeros = q.pseudo_quantize_tensor(w2)
        each = scale.repeat_interleave(group, 1)
        codes = torch.round(back / each) + (zeros.repeat_interleave(group, 1) if zero else 2 ** (bits - 1))
        return {
            "bits": bits, "group": group, "sym": not zero, "duo": duo, "clip": clip, "tokens": tokens, "dead": list(tiny), "losses": losses, "ratio": losses.index(min(losses)) / 20,
            "input_scales": s.tolist(), "clips": most.tolist() if clip else None, "codes_offset": 0 if zero else 2 ** (bits - 1), "codes": hexes(codes, bits),
            "scales": scale.tolist(), "zeros": zeros.int().tolist() if zero else None,
            "rounding": lose(q.pseudo_quantize_tensor(W.clone())[0], x=x), "output_error": lose(back / s.view(1, -1), x=x),
        }

    cases = {
        "4 bits, group 32": run(),
        "4 bits, group 32, duo": run(duo=True),
        "4 bits, group 128": run(group=128),
        "4 bits, group 32, symmetric": run(zero=False),
        "3 bits, group 64, no clip": run(bits=3, group=64, clip=False),
        "2 bits, group 32, 1100 tokens": run(bits=2, tokens=1100),
        "4 bits, group 64, dead inputs": run(group=64, tiny=(3, 5)),
    }
    save("awq", f"casper-hansen/AutoAWQ {commits['AutoAWQ']}, awq/quantize/quantizer.py", cases)


# ----- HQQ

def hqq():
    sys.modules["termcolor"] = MagicMock()
    for p in ["hqq", "hqq.core"]:
        m = types.ModuleType(p)
        m.__path__ = [f"{clones}/hqq/{p.replace('.', '/')}"]
        sys.modules[p] = m
    u = sys.modules["hqq.core.utils"] = types.ModuleType("hqq.core.utils")
    u.is_divisible, u.encode_safetensor_type, u.decode_safetensor_type = (lambda a, b: a % b == 0), None, None
    import importlib
    try:
        ref = importlib.import_module("hqq.core.quantize")
    except ImportError as e:
        sys.exit(f"hqq: {e}")
    opt = importlib.import_module("hqq.core.optimize")
    from functools import partial
    torch.cuda.empty_cache = lambda: None

    def run(bits=4, group=64, axis=1, rz=False, rows=64, scale=1.0, slow=False):
        w = W[:rows].clone() * scale
        solve = opt.optimize_weights_proximal_slow if slow else opt.optimize_weights_proximal
        ref.Quantizer.optimize_weights = staticmethod(solve)

        def once(optimize):
            return ref.Quantizer.quantize(w, nbits=bits, group_size=group, axis=axis, round_zero=rz, optimize=optimize, bitpack=False, device="cpu", compute_dtype=torch.float32)

        q, meta = once(True)
        meta["compute_dtype"] = torch.float32
        q0, meta0 = once(False)
        meta0["compute_dtype"] = torch.float32
        back, back0 = ref.Quantizer.dequantize(q, meta), ref.Quantizer.dequantize(q0, meta0)
        return {
            "rows": rows, "bits": bits, "group": group or -1, "axis": axis, "round_zero": rz, "weights_times": scale, "slow": slow,
            "codes": hexes(q.reshape(rows, 128), bits), "scales": meta["scale"].flatten().tolist(), "zeros": meta["zero"].flatten().tolist(),
            "mean_abs": (back.reshape(w.shape) - w).abs().double().mean().item(), "mean_abs_rounding": (back0.reshape(w.shape) - w).abs().double().mean().item(),
            "output_error": lose(back.reshape(w.shape), w), "rounding": lose(back0.reshape(w.shape), w),
        }

    cases = {
        "4 bits, group 64": run(),
        "4 bits, group 64, whole zero": run(rz=True),
        "4 bits, group 64, down": run(axis=0),
        "3 bits, group 64": run(bits=3, rows=16),
        "2 bits, group 64": run(bits=2, rows=16),
        "8 bits, group 64": run(bits=8, rows=16),
        "1 bit, group 32": run(bits=1, group=32, rows=16),
        "2 bits, a row": run(bits=2, group=None, rows=16),
        "2 bits, a column": run(bits=2, group=None, rows=16, axis=0),
        "3 bits, across rows": run(bits=3, group=256, rows=16),
        "3 bits, down several columns": run(bits=3, group=256, rows=16, axis=0),
        "2 bits, large weights": run(bits=2, rows=16, scale=20.0),
        "2 bits, large weights, slow": run(bits=2, rows=16, scale=20.0, slow=True),
    }
    save("hqq", f"mobiusml/hqq {commits['hqq']}, hqq/core/quantize.py and optimize.py", cases)


# ----- SmoothQuant

def smooth():
    for m in ["transformers.models.opt.modeling_opt", "transformers.models.bloom.modeling_bloom", "transformers.models.llama.modeling_llama",
              "transformers.models.mistral.modeling_mistral", "transformers.models.mixtral.modeling_mixtral", "transformers.models.falcon.modeling_falcon"]:
        sys.modules[m] = MagicMock()
    for i in range(1, 4):
        for m in list(sys.modules):
            if m.startswith("transformers.models."):
                sys.modules.setdefault(".".join(m.split(".")[:i]), MagicMock())
    ref = load("smoothquant/smoothquant/smooth.py", "smooth")
    fake = load("smoothquant/smoothquant/fake_quant.py", "fake_quant")

    def run(alpha, per="channel", rows=64):
        w = W[:rows]
        ln = torch.nn.LayerNorm(128)
        fc = torch.nn.Linear(128, rows, bias=False)
        fc.weight.data = w.clone()
        ref.smooth_ln_fcs(ln, fc, X.abs().max(0)[0], alpha)
        s = 1 / ln.weight.data

        def output(w2, x2):
            f = fake.quantize_weight_per_channel_absmax if per == "channel" else fake.quantize_weight_per_tensor_absmax
            wq, xq = f(w2.clone()), fake.quantize_activation_per_token_absmax(x2.clone())
            y = xq.double() @ wq.double().t()
            want = X.double() @ w.double().t()
            return ((y - want) ** 2).sum().item() / (want ** 2).sum().item()

        w2 = fc.weight.data
        absmax = w2.abs().max(1, keepdim=True)[0] if per == "channel" else w2.abs().max().expand(rows, 1)
        scale = absmax.clamp(min=1e-5) / 127
        return {
            "rows": rows, "alpha": alpha, "granularity": per, "input_scales": (w2[0] / w[0]).tolist() if alpha is None else (w2.abs().sum(0) / w.abs().sum(0)).tolist(),
            "scales": scale.flatten().tolist(), "codes": hexes(torch.round(w2 / scale) + 128, 8),
            "rounding": output(w, X), "output_error": output(w2, X / (w2.abs().sum(0) / w.abs().sum(0))),
        }

    cases = {"alpha 0.5": run(0.5), "alpha 0.85": run(0.85, rows=16), "alpha 0.25, a scale a tensor": run(0.25, "tensor", 16), "alpha 0": run(0.0, rows=16), "alpha 1": run(1.0, rows=16)}
    save("smooth", f"mit-han-lab/smoothquant {commits['smoothquant']}, smoothquant/smooth.py and fake_quant.py", cases)


# ----- LLM.int8()

def int8():
    path = f"{clones}/bitsandbytes/bitsandbytes/backends/default/ops.py"
    kernels = {}

    def register(name, backend):
        return lambda f: kernels.setdefault(name.split("::")[1], f)

    src = open(path).read().replace("from ..._ops import register_kernel", "").replace("from ..utils import _get_4bit_code", "")
    m = {"register_kernel": register, "_get_4bit_code": None, "__name__": "ops"}
    exec(compile(src, path, "exec"), m)
    vectorwise, dequant = kernels["int8_vectorwise_quant"], kernels["int8_mm_dequant"]

    def run(threshold, tokens=256):
        x = X[:tokens].clone()
        cb, scb, _ = vectorwise(W.clone())
        ca, sca, cols = vectorwise(x.clone(), threshold)
        y = dequant((ca.double() @ cb.double().t()).to(torch.int32), sca, scb, dtype=torch.float32)
        cols = [] if cols is None else cols.tolist()
        sub = cb[:, cols].float() * scb.view(-1, 1) * 0.007874015718698502
        dequantized = y + x[:, cols] @ sub.t()
        kept = y + x[:, cols] @ W[:, cols].half().float().t()
        want = x.double() @ W.double().t()
        rel = lambda y: ((y.double() - want) ** 2).sum().item() / (want ** 2).sum().item()
        return {
            "threshold": threshold, "tokens": tokens, "outliers": cols, "activation_scales": sca.tolist(), "activation_codes": hexes(ca[:8].int() + 128, 8),
            "output_row0": dequantized[0].tolist(), "output_error_dequantized": rel(dequantized), "output_error": rel(kept),
            "absmax": scb.tolist(), "codes": hexes(cb.int() + 128, 8) if threshold == 6.0 else None,
        }

    cases = {"threshold 6": run(6.0), "threshold 0": run(0.0), "threshold 3": run(3.0), "one token": run(6.0, 1)}
    save("llmint8", f"bitsandbytes {commits['bitsandbytes']}, bitsandbytes/backends/default/ops.py; outlier columns of the weights as float16 in output_error, as dequantized INT8 in the other", cases)


for f in [gptq, awq, hqq, smooth, int8]:
    f()
