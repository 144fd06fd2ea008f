"""Reads a folder of a quantized model with nothing but the standard library,
by what the projects' documents and sources say of their layouts, and writes
the values of each matrix: one file of float32 a module, by its name.

usage: unpack.py FOLDER OUT
"""
import json, os, struct, sys

folder, out = sys.argv[1], sys.argv[2]
config = json.load(open(os.path.join(folder, "config.json")))


def single(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def half_brain(b):
    return [struct.unpack("<f", bytes(2) + b[i : i + 2])[0] for i in range(0, len(b), 2)]


def e4m3(c):
    sign, e, m = (-1 if c & 128 else 1), (c >> 3) & 15, c & 7
    if c & 127 == 127:
        return float("nan")
    return sign * ((m / 8) * 2.0**-6 if e == 0 else (1 + m / 8) * 2.0 ** (e - 7))


def load(path, tensors):
    b = open(path, "rb").read()
    (n,) = struct.unpack("<Q", b[:8])
    assert n % 8 == 0, "the header is not a multiple of 8"
    header, data, at = json.loads(b[8 : 8 + n]), b[8 + n :], 0
    width = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I8": 1, "U8": 1, "F8_E4M3": 1}
    code = {"I64": "q", "F32": "f", "I32": "i", "U32": "I", "F16": "e", "I8": "b", "U8": "B"}
    for name, t in sorted((k, v) for k, v in header.items() if k != "__metadata__"):
        lo, hi = t["data_offsets"]
        count = 1
        for d in t["shape"]:
            count *= d
        w = width[t["dtype"]]
        assert hi - lo == count * w and lo % w == 0 and hi <= len(data), name
        at += hi - lo
        raw = data[lo:hi]
        if t["dtype"] == "BF16":
            values = half_brain(raw)
        elif t["dtype"] == "F8_E4M3":
            values = [e4m3(c) for c in raw]
        else:
            values = list(struct.unpack("<%d%s" % (count, code[t["dtype"]]), raw))
        assert name not in tensors, name
        tensors[name] = (t["dtype"], t["shape"], values)
    assert at == len(data), "there are gaps"


tensors = {}
index = os.path.join(folder, "model.safetensors.index.json")
if os.path.exists(index):
    weight_map = json.load(open(index))["weight_map"]
    for f in sorted(set(weight_map.values())):
        before = set(tensors)
        load(os.path.join(folder, f), tensors)
        for name in set(tensors) - before:
            assert weight_map.pop(name) == f, name
    assert not weight_map, weight_map
else:
    load(os.path.join(folder, "model.safetensors"), tensors)


def stream(words, bits, count):
    """codes of so many bits from the low end of each 32-bit word on"""
    big = 0
    for i, w in enumerate(words):
        big |= (w & 0xFFFFFFFF) << (32 * i)
    return [(big >> (bits * i)) & ((1 << bits) - 1) for i in range(count)]


def gptq(m, q):
    (_, (words, rows), qw), (_, (groups, zw), qz), (_, _, sc) = (tensors[m + s] for s in (".qweight", ".qzeros", ".scales"))
    bits, index = q["bits"], tensors[m + ".g_idx"][2]
    cols = words * 32 // bits
    assert len(index) == cols
    zeros = [stream(qz[g * zw : (g + 1) * zw], bits, rows) for g in range(groups)]
    if q["checkpoint_format"] == "gptq":
        zeros = [[(z + 1) % (1 << bits) for z in line] for line in zeros]
    w = []
    for o in range(rows):
        codes = stream(qw[o::rows], bits, cols)
        w += [single((codes[i] - zeros[index[i]][o]) * sc[index[i] * rows + o]) for i in range(cols)]
    return w


def awq(m, q):
    (_, (cols, words), qw), (_, (groups, _), qz), (_, (_, rows), sc) = (tensors[m + s] for s in (".qweight", ".qzeros", ".scales"))
    order, group = [0, 2, 4, 6, 1, 3, 5, 7], cols // groups
    def line(packed, r):
        out = [0] * rows
        for c in range(words):
            for k in range(8):
                out[8 * c + order[k]] = (packed[r * words + c] >> (4 * k)) & 15
        return out
    codes, zeros = [line(qw, r) for r in range(cols)], [line(qz, r) for r in range(groups)]
    return [single((codes[i][o] - zeros[i // group][o]) * sc[i // group * rows + o]) for o in range(rows) for i in range(cols)]


def bnb4(m, state):
    s = json.loads(bytes(tensors[state][2]).decode("utf-8"))
    table, absmax = tensors[m + ".weight.quant_map"][2], tensors[m + ".weight.absmax"][2]
    if "nested_offset" in s:
        nested, second = tensors[m + ".weight.nested_absmax"][2], tensors[m + ".weight.nested_quant_map"][2]
        absmax = [single(single(second[a] * nested[i // s["nested_blocksize"]]) + s["nested_offset"]) for i, a in enumerate(absmax)]
    codes = []
    for b in tensors[m + ".weight"][2]:
        codes += [b >> 4, b & 15]
    n = s["shape"][0] * s["shape"][1]
    return [single(table[codes[i]] * absmax[i // s["blocksize"]]) for i in range(n)]


def bnb8(m):
    _, (rows, cols), q = tensors[m + ".weight"]
    scb = tensors[m + ".SCB"][2]
    return [single(q[r * cols + c] * single(scb[r] / 127)) for r in range(rows) for c in range(cols)]


def packed(m, q):
    args = q["config_groups"]["group_0"]["weights"]
    bits, (rows, cols) = args["num_bits"], tensors[m + ".weight_shape"][2]
    _, (_, words), pw = tensors[m + ".weight_packed"]
    _, (_, groups), sc = tensors[m + ".weight_scale"]
    offset = 1 << (bits - 1)
    zeros = [[0] * groups for _ in range(rows)]
    if m + ".weight_zero_point" in tensors:
        pz = tensors[m + ".weight_zero_point"][2]
        for g in range(groups):
            for r, z in enumerate(stream(pz[g::groups], bits, rows)):
                zeros[r][g] = z - offset
    w, group = [], cols // groups
    for r in range(rows):
        codes = stream(pw[r * words : (r + 1) * words], bits, cols)
        w += [single((codes[c] - offset - zeros[r][c // group]) * sc[r * groups + c // group]) for c in range(cols)]
    return w


def rows8(m):
    _, (rows, cols), q = tensors[m + ".weight"]
    sc = tensors[m + ".weight_scale"][2]
    return [single(q[r * cols + c] * sc[r]) for r in range(rows) for c in range(cols)]


def nvfp4(m):
    _, (rows, half), b = tensors[m + ".weight_packed"]
    sc, g = tensors[m + ".weight_scale"][2], tensors[m + ".weight_global_scale"][2][0]
    table = [0.0, 0.5, 1, 1.5, 2, 3, 4, 6]
    codes = []
    for v in b:
        codes += [v & 15, v >> 4]
    return [single((-1 if q & 8 else 1) * table[q & 7] * single(sc[i // 16] / g)) for i, q in enumerate(codes)]


def mlx(m, q):
    _, (rows, words), qw = tensors[m + ".weight"]
    _, (_, groups), sc = tensors[m + ".scales"]
    bi, bits, group = tensors[m + ".biases"][2], q["bits"], q["group_size"]
    cols, w = groups * group, []
    for r in range(rows):
        codes = stream(qw[r * words : (r + 1) * words], bits, cols)
        w += [single(single(codes[c] * sc[r * groups + c // group]) + bi[r * groups + c // group]) for c in range(cols)]
    return w


def hqq(m):
    one = lambda s: tensors[m + s][2][0]
    text = lambda s: bytes(tensors[m + s][2]).decode()
    bits, group, (rows, cols) = one(".nbits"), one(".group_size"), tensors[m + ".shape"][2]
    assert text(".packing") == {8: "8bit_u8", 4: "4bit_u8", 3: "3bit_32", 2: "2bit_u8"}[bits]
    _, (step, length), q = tensors[m + ".W_q"]
    axis = one(".axis")
    assert axis == 0 or length == group
    lines = []
    for k in range({8: 1, 4: 2, 3: 10, 2: 4}[bits]):
        shift = 27 - 3 * k if bits == 3 else 8 - bits * (k + 1)
        for l in range(step):
            lines.append([(v >> shift) & ((1 << bits) - 1) for v in q[l * length : (l + 1) * length]])
    sc, ze = tensors[m + ".scale"][2], tensors[m + ".zero"][2]
    lines = lines[: rows * cols // length]
    return [single(single(c - ze[(k, l)[axis]]) * sc[(k, l)[axis]]) for l, line in enumerate(lines) for k, c in enumerate(line)]


q = config["quantization_config"]
for name in sorted(tensors):
    def write(m, w):
        with open(os.path.join(out, m), "wb") as f:
            f.write(struct.pack("<%df" % len(w), *w))
    method = q.get("quant_method", "mlx")
    m = name.rsplit(".", 1)[0]
    if name.endswith(".qweight"):
        write(m, (gptq if method == "gptq" else awq)(m, q))
    elif ".quant_state.bitsandbytes__" in name:
        m = name.split(".weight.quant_state")[0]
        write(m, bnb4(m, name))
    elif name.endswith(".SCB"):
        write(m, bnb8(m))
    elif name.endswith(".weight_packed"):
        write(m, nvfp4(m) if q["format"] == "nvfp4-pack-quantized" else packed(m, q))
    elif name.endswith(".weight_scale") and m + ".weight_packed" not in tensors:
        write(m, rows8(m))
    elif name.endswith(".W_q"):
        write(m, hqq(m))
    elif name.endswith(".biases"):
        write(m, mlx(m, q))
