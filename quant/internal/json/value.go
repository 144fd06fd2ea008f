package json

// maxValues bounds the tree that Value makes.
const maxValues = 1 << 20

// Value reads any value as a tree: map[string]any, []any, string, Number,
// bool or nil.
func (r *Reader) Value() (any, error) {
	if r.values++; r.values > maxValues {
		return nil, r.Fail("there are more than %d values; the file is damaged or hostile", maxValues)
	}
	b, err := r.Peek()
	if err != nil {
		return nil, err
	}
	switch b {
	case '{':
		m := map[string]any{}
		return m, r.Object(func(key string) error {
			if _, ok := m[key]; ok {
				return r.Fail("the key is there twice; the file is damaged")
			}
			v, err := r.Value()
			m[key] = v
			return err
		})
	case '[':
		var list []any
		err := r.Array(func(int) error {
			v, err := r.Value()
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		return r.Text()
	}
	return r.word1()
}

// word1 reads a value that is written in one word.
func (r *Reader) word1() (any, error) {
	b, err := r.word()
	if err != nil {
		return nil, err
	}
	switch string(b) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	if !isNumber(b) {
		return nil, r.Fail("%q stands where a value should; the file is damaged", clip(string(b)))
	}
	return Number(b), nil
}

// Skip reads a value and forgets it.
func (r *Reader) Skip() error {
	b, err := r.Peek()
	if err != nil {
		return err
	}
	switch b {
	case '{':
		return r.Object(func(string) error { return r.Skip() })
	case '[':
		return r.Array(func(int) error { return r.Skip() })
	case '"':
		_, err := r.Bytes()
		return err
	}
	_, err = r.word1()
	return err
}
