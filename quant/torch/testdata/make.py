# Writes the checkpoints of this folder and what they hold, with PyTorch 1.13.1:
#
#     python3 make.py
import json

import torch


def save(name, data, **kw):
    torch.save(data, name + ".pt", **kw)


def expect(name, tensors):
    rows = {k: {"shape": list(t.shape), "values": [float(v) for v in t.double().flatten()]} for k, t in tensors.items()}
    with open(name + ".json", "w") as f:
        json.dump(rows, f, separators=(",", ":"))
        f.write("\n")


base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
cube = torch.arange(120, dtype=torch.float64).reshape(4, 5, 6)
views = {
    "base": base,
    "transposed": base.t(),
    "slice": base[1:3, 2:5],
    "steps": base[::2, 1::3],
    "column": base[:, 2],
    "row": base[3],
    "one": base[2, 5],
    "expanded": torch.tensor([[1.0], [2.0], [3.0]]).expand(3, 4),
    "permuted": cube.permute(2, 0, 1),
    "permuted_slice": cube.permute(1, 2, 0)[1:4, ::2, 1:],
    "empty": base[:0],
    "int16_t": torch.arange(-6, 6, dtype=torch.int16).reshape(3, 4).t(),
    "bf16_t": (torch.arange(12) / 4).to(torch.bfloat16).reshape(3, 4).t(),
    "parameter": torch.nn.Parameter(base.t()),
    "channels_last": torch.arange(48, dtype=torch.float16).reshape(2, 3, 2, 4).contiguous(memory_format=torch.channels_last),
}
save("views", views)
expect("views", views)
save("views_protocol4", views, pickle_protocol=4)

net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
opt = torch.optim.Adam(net.parameters(), lr=0.25)
torch.manual_seed(1)
net(torch.randn(5, 3)).sum().backward()
opt.step()
training = {
    "model": net.state_dict(),
    "optimizer": opt.state_dict(),
    "history": [torch.ones(2), (torch.zeros(1), 3)],
    "epoch": 7,
    "big": 2**70,
    "name": "tiny é",
    "done": True,
    "none": None,
    "size": torch.Size([2, 3]),
    "dtype": torch.bfloat16,
    "device": torch.device("cpu"),
    "bytes": b"\x01\x02",
    "tags": {"only"},
}
save("training", training)
expect("training", {
    **{"model." + k: v for k, v in net.state_dict().items()},
    **{f"optimizer.state.{i}.{k}": v for i, s in opt.state_dict()["state"].items() for k, v in s.items()},
    "history.0": torch.ones(2),
    "history.1.0": torch.zeros(1),
})

odd = {
    "complex": torch.ones(2, 3, dtype=torch.complex64),
    "quantized": torch.quantize_per_tensor(base, 0.1, 3, torch.quint8),
    "channels": torch.quantize_per_channel(base, torch.full((4,), 0.1), torch.zeros(4), 0, torch.qint8),
    "sparse": torch.eye(4).to_sparse(),
    "csr": torch.eye(4).to_sparse_csr(),
    "meta": torch.empty(3, 2, device="meta"),
    "fine": torch.ones(2),
}
save("odd", odd)

save("tensor", base.t())
save("list", [base[0], {"x": base[1]}])
save("module", net)


class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)
        self.register_buffer("steps", base[0, ::2])
        self.size = [1, 2]

    def forward(self, x):
        return self.fc(x) + self.size[0]


tiny = Tiny()
torch.jit.script(tiny).save("script.pt")
expect("script", dict(tiny.state_dict()))
