// Package torch reads the checkpoints that torch.save writes since PyTorch
// 1.6: a zip archive with one pickle, data.pkl, that describes the tensors,
// and their values in files of their own.
//
// A pickle is a program. This package runs none: it has its own interpreter
// of the few instructions that build plain values, and the functions that
// rebuild tensors are a fixed list, carried out as data. Whatever else a
// pickle calls is refused by name and place.
//
// The layout follows torch/serialization.py and torch/_utils.py, the list of
// functions torch/_weights_only_unpickler.py, the instructions CPython's
// Lib/pickletools.py. TorchScript archives are read where their tensors are
// concerned.
package torch
