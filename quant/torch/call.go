package torch

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// call carries out what names, makes or changes an object.
func (m *machine) call(op byte) (bool, error) {
	switch op {
	case 'c': // GLOBAL
		g, err := m.global()
		if err != nil {
			return true, err
		}
		return true, m.push(g)
	case 0x93: // STACK_GLOBAL
		return true, m.stackGlobal()
	case 'R', 0x81: // REDUCE, NEWOBJ
		return true, m.reduce()
	case 'b': // BUILD
		return true, m.build()
	case 'Q': // BINPERSID
		return true, m.persistent()
	case 'i': // INST
		g, err := m.global()
		if err != nil {
			return true, err
		}
		return true, refuse(g)
	case 'o': // OBJ
		vs, err := m.marked()
		if err == nil && len(vs) > 0 {
			err = refuse(vs[0])
		}
		if err == nil {
			err = errors.New("makes an object of no class")
		}
		return true, err
	case 0x92: // NEWOBJ_EX
		if _, err := m.pop(); err != nil {
			return true, err
		}
		return true, m.reduce()
	}
	return false, nil
}

// refuse says that something is called that is not on the list.
func refuse(what any) error {
	g, ok := what.(global)
	if !ok {
		return errors.New("calls a value that is no function, which Fewbits never runs")
	}
	return fmt.Errorf("calls %s, which Fewbits never runs; save tensors and plain values alone, as torch.save(model.state_dict(), path)", g)
}

// global reads a module's and a name's line, as Python 3 names the module.
func (m *machine) global() (global, error) {
	module, err := m.line()
	if err != nil {
		return global{}, err
	}
	name, err := m.line()
	return named(module, name), err
}

func named(module, name string) global {
	switch module {
	case "__builtin__":
		module = "builtins"
	case "copy_reg":
		module = "copyreg"
	}
	return global{module, name}
}

func (m *machine) stackGlobal() error {
	name, err := m.pop()
	if err != nil {
		return err
	}
	module, err := m.pop()
	if err != nil {
		return err
	}
	n, ok1 := name.(string)
	mod, ok2 := module.(string)
	if !ok1 || !ok2 {
		return errors.New("names a function by something other than text")
	}
	return m.push(named(mod, n))
}

// reduce calls a function of the list with the tuple on top of the stack.
func (m *machine) reduce() error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	f, err := m.pop()
	if err != nil {
		return err
	}
	args, ok := v.(tuple)
	if !ok {
		return errors.New("calls a function with something other than a tuple")
	}
	r, err := m.apply(f, args)
	if err != nil {
		return err
	}
	return m.push(r)
}

// function is one of the list: it makes a value of its arguments.
type function struct {
	min, max int // arguments
	do       func(m *machine, args tuple) (any, error)
}

// functions is the whole list of what a pickle may call.
var functions = map[string]function{
	"collections.OrderedDict":                      {0, 1, (*machine).dictOf},
	"collections.Counter":                          {0, 1, (*machine).dictOf},
	"collections.defaultdict":                      {0, 1, func(*machine, tuple) (any, error) { return &dict{}, nil }},
	"builtins.dict":                                {0, 1, (*machine).dictOf},
	"builtins.set":                                 {0, 1, (*machine).listOf},
	"builtins.frozenset":                           {0, 1, (*machine).listOf},
	"builtins.list":                                {0, 1, (*machine).listOf},
	"builtins.complex":                             {2, 2, show("complex")},
	"builtins.bytearray":                           {0, 2, show("bytes")},
	"_codecs.encode":                               {2, 2, show("bytes")},
	"torch.Size":                                   {1, 1, first},
	"torch.device":                                 {1, 2, show("device")},
	"torch.serialization._get_layout":              {1, 1, first},
	"torch.nn.parameter.Parameter":                 {1, 2, parameter},
	"torch._utils._rebuild_parameter":              {2, 3, parameter},
	"torch._utils._rebuild_parameter_with_state":   {4, 4, parameter},
	"torch._utils._rebuild_tensor":                 {4, 4, rebuild},
	"torch._utils._rebuild_tensor_v2":              {6, 7, rebuild},
	"torch._utils._rebuild_tensor_v3":              {7, 8, rebuildTyped},
	"torch._utils._rebuild_qtensor":                {7, 7, rebuildQuantized},
	"torch._utils._rebuild_sparse_tensor":          {2, 2, rebuildSparse},
	"torch._utils._rebuild_sparse_csr_tensor":      {2, 2, rebuildSparse},
	"torch._utils._rebuild_meta_tensor_no_storage": {4, 4, rebuildMeta},
	"torch.jit._pickle.build_intlist":              {1, 1, first},
	"torch.jit._pickle.build_doublelist":           {1, 1, first},
	"torch.jit._pickle.build_boollist":             {1, 1, first},
	"torch.jit._pickle.build_tensorlist":           {1, 1, first},
	"torch.jit._pickle.restore_type_tag":           {2, 2, first},
}

// apply makes the value that calling f would.
func (m *machine) apply(f any, args tuple) (any, error) {
	g, ok := f.(global)
	if !ok {
		return nil, refuse(f)
	}
	if strings.HasPrefix(g.module, "__torch__.") || g.module == "__torch__" {
		return &object{}, nil // a TorchScript class: its attributes follow
	}
	if g.String() == "torch._tensor._rebuild_from_type_v2" {
		return m.applyTyped(args)
	}
	fn, ok := functions[g.String()]
	if !ok {
		return nil, refuse(g)
	}
	if len(args) < fn.min || len(args) > fn.max {
		return nil, fmt.Errorf("calls %s with %d arguments", g, len(args))
	}
	v, err := fn.do(m, args)
	if err != nil {
		return nil, fmt.Errorf("calls %s: %w", g, err)
	}
	return v, nil
}

// applyTyped is torch._tensor._rebuild_from_type_v2(func, type, args, state):
// the tensor that func makes, of a plain class. Its attributes are dropped.
func (m *machine) applyTyped(args tuple) (any, error) {
	if len(args) != 4 {
		return nil, fmt.Errorf("calls torch._tensor._rebuild_from_type_v2 with %d arguments", len(args))
	}
	switch class, _ := args[1].(global); class.String() {
	case "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer":
	default:
		return nil, refuse(args[1])
	}
	inner, ok := args[2].(tuple)
	f, _ := args[0].(global)
	if !ok || !strings.HasPrefix(f.String(), "torch._utils._rebuild_") {
		return nil, refuse(args[0])
	}
	return m.apply(f, inner)
}

// build gives an object its state. That of an OrderedDict or a tensor says
// nothing of their values.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	_, plain := state.(*dict)
	switch o := v.(type) {
	case *object:
		o.state = state
		return nil
	case *dict, *tensor:
		if plain {
			return nil
		}
	}
	return errors.New("sets the state of a value that has none, which Fewbits never runs")
}

// persistent makes the storage that ('storage', class, key, device, count) means.
func (m *machine) persistent() error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	id, ok := v.(tuple)
	if !ok || len(id) < 5 || id[0] != any("storage") {
		return errors.New("refers to something outside that is no storage")
	}
	class, _ := id[1].(global)
	name, known := storages[class.name]
	if !known || class.module != "torch" && class.module != "torch.storage" && class.module != "torch.cuda" {
		return fmt.Errorf("refers to a storage of class %s, which is not known", class)
	}
	key, ok1 := id[2].(string)
	count, ok2 := id[4].(int64)
	if !ok1 || !ok2 || count < 0 {
		return errors.New("refers to a storage without a key and a count")
	}
	s := &storage{key: key, elem: elements[name], bytes: count}
	if name != "" {
		if count > math.MaxInt64/int64(s.elem.size) {
			return fmt.Errorf("refers to a storage of %d values", count)
		}
		s.bytes = count * int64(s.elem.size)
	}
	return m.push(s)
}
