package wire

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Marshal and Unmarshal write and read messages as encoding/json does, for the
// types that messages have. They are here for size alone: encoding/json costs
// the page 350 KB as brotli, more than everything else that it adds to Go's
// own run time. A test holds them against encoding/json.

type marshaler interface{ MarshalJSON() ([]byte, error) }
type unmarshaler interface{ UnmarshalJSON([]byte) error }

// Marshal writes v as JSON. NaN and infinities become null.
func Marshal(v any) ([]byte, error) {
	if v == nil {
		return []byte("null"), nil
	}
	return appendValue(nil, reflect.ValueOf(v))
}

func appendValue(b []byte, v reflect.Value) ([]byte, error) {
	if v.CanInterface() {
		if m, ok := v.Interface().(marshaler); ok {
			text, err := m.MarshalJSON()
			return append(b, text...), err
		}
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(b, v.Uint(), 10), nil
	case reflect.Float32, reflect.Float64:
		f := v.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(b, "null"...), nil
		}
		return strconv.AppendFloat(b, f, 'g', -1, v.Type().Bits()), nil
	case reflect.String:
		return appendString(b, v.String()), nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		return appendValue(b, v.Elem())
	case reflect.Slice, reflect.Array:
		return appendList(b, v)
	case reflect.Map:
		return appendMap(b, v)
	case reflect.Struct:
		b, _, err := appendFields(append(b, '{'), v, true)
		return append(b, '}'), err
	}
	return b, fmt.Errorf("wire: no JSON for a %s", v.Type())
}

func appendList(b []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(b, v.Index(i)); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendMap(b []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	keys := v.MapKeys()
	sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, k.String()), ':')
		var err error
		if b, err = appendValue(b, v.MapIndex(k)); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// tag is the JSON name of a field, "" where it has none of its own.
func tag(f reflect.StructField) (name string, omitEmpty bool) {
	name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" && !f.Anonymous {
		name = f.Name
	}
	return name, rest == "omitempty"
}

func appendFields(b []byte, v reflect.Value, first bool) ([]byte, bool, error) {
	var err error
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, omit := tag(f)
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous || omit && empty(v.Field(i)):
			continue
		case name == "": // embedded: its fields stand among these
			b, first, err = appendFields(b, v.Field(i), first)
		default:
			if !first {
				b = append(b, ',')
			}
			first = false
			b, err = appendValue(append(appendString(b, name), ':'), v.Field(i))
		}
		if err != nil {
			return b, first, err
		}
	}
	return b, first, nil
}

// empty is what omitempty leaves out: false, 0, nil, and no elements.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String, reflect.Array:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s { // bytes that are no UTF-8 become U+FFFD
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// maxDepth bounds how deep lists and objects nest.
const maxDepth = 64

// Unmarshal reads JSON into what v points to. Unknown keys are passed over.
func Unmarshal(data []byte, v any) error {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return errors.New("wire: Unmarshal needs a pointer")
	}
	d := decoder{data: data}
	if err := d.value(p.Elem(), 0); err != nil {
		return fmt.Errorf("wire: byte %d: %w", d.at, err)
	}
	if d.space(); d.at < len(data) {
		return fmt.Errorf("wire: byte %d: more after the end", d.at)
	}
	return nil
}

type decoder struct {
	data []byte
	at   int
}

// space skips blanks and gives the next byte, 0 at the end.
func (d *decoder) space() byte {
	for d.at < len(d.data) {
		switch c := d.data[d.at]; c {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return c
		}
	}
	return 0
}

func (d *decoder) take(c byte) error {
	if d.space() != c || d.at >= len(d.data) {
		return fmt.Errorf("want %q", c)
	}
	d.at++
	return nil
}

// value reads one value into v; an invalid v passes it over.
func (d *decoder) value(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errors.New("nested too deep")
	}
	c := d.space()
	if v.IsValid() && v.CanAddr() {
		if u, ok := v.Addr().Interface().(unmarshaler); ok {
			start := d.at
			if err := d.value(reflect.Value{}, depth); err != nil {
				return err
			}
			return u.UnmarshalJSON(d.data[start:d.at])
		}
	}
	if v.IsValid() && v.Kind() == reflect.Pointer && c != 'n' {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return d.value(v.Elem(), depth)
	}
	switch {
	case c == '{':
		return d.object(v, depth)
	case c == '[':
		return d.list(v, depth)
	case c == '"':
		s, err := d.text()
		if err == nil && v.IsValid() {
			err = setText(v, s)
		}
		return err
	case c == 't' || c == 'f' || c == 'n':
		return d.word(v)
	}
	return d.number(v)
}

func setText(v reflect.Value, s string) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Interface:
		v.Set(reflect.ValueOf(s))
	default:
		return fmt.Errorf("text where a %s belongs", v.Type())
	}
	return nil
}

func (d *decoder) word(v reflect.Value) error {
	for _, w := range []string{"true", "false", "null"} {
		if !strings.HasPrefix(string(d.data[d.at:min(len(d.data), d.at+5)]), w) {
			continue
		}
		d.at += len(w)
		switch {
		case !v.IsValid():
		case w == "null":
			if v.CanFloat() {
				v.SetFloat(math.NaN()) // as Marshal writes it
			} else if k := v.Kind(); k == reflect.Pointer || k == reflect.Slice || k == reflect.Map || k == reflect.Interface {
				v.SetZero()
			}
		case v.Kind() == reflect.Bool:
			v.SetBool(w == "true")
		case v.Kind() == reflect.Interface:
			v.Set(reflect.ValueOf(w == "true"))
		default:
			return fmt.Errorf("%s where a %s belongs", w, v.Type())
		}
		return nil
	}
	return errors.New("no JSON value begins here")
}

func (d *decoder) number(v reflect.Value) error {
	start := d.at
	for d.at < len(d.data) && strings.IndexByte("+-.eE0123456789", d.data[d.at]) >= 0 {
		d.at++
	}
	s := string(d.data[start:d.at])
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return fmt.Errorf("%q is no number", s)
	}
	if !v.IsValid() {
		return nil
	}
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		v.SetFloat(f)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(s, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%s does not fit a %s", s, v.Type())
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(s, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%s does not fit a %s", s, v.Type())
		}
		v.SetUint(n)
	case reflect.Interface:
		v.Set(reflect.ValueOf(f))
	default:
		return fmt.Errorf("a number where a %s belongs", v.Type())
	}
	return nil
}

func (d *decoder) list(v reflect.Value, depth int) error {
	d.at++
	if v.IsValid() && v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
		return fmt.Errorf("a list where a %s belongs", v.Type())
	}
	if v.IsValid() && v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	}
	if d.space() == ']' {
		d.at++
		return nil
	}
	for i := 0; ; i++ {
		var e reflect.Value
		switch {
		case !v.IsValid():
		case v.Kind() == reflect.Slice:
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			e = v.Index(i)
		case i < v.Len():
			e = v.Index(i)
		}
		if err := d.value(e, depth+1); err != nil {
			return err
		}
		if d.space() == ',' {
			d.at++
			continue
		}
		return d.take(']')
	}
}

func (d *decoder) object(v reflect.Value, depth int) error {
	d.at++
	if v.IsValid() && v.Kind() != reflect.Struct && v.Kind() != reflect.Map {
		return fmt.Errorf("an object where a %s belongs", v.Type())
	}
	if v.IsValid() && v.Kind() == reflect.Map && v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	if d.space() == '}' {
		d.at++
		return nil
	}
	for {
		if d.space() != '"' {
			return errors.New("want a key")
		}
		key, err := d.text()
		if err == nil {
			err = d.take(':')
		}
		if err == nil {
			err = d.member(v, key, depth)
		}
		if err != nil {
			return err
		}
		if d.space() == ',' {
			d.at++
			continue
		}
		return d.take('}')
	}
}

func (d *decoder) member(v reflect.Value, key string, depth int) error {
	switch {
	case !v.IsValid():
		return d.value(v, depth+1)
	case v.Kind() == reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(e, depth+1); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(key), e)
		return nil
	}
	return d.value(field(v, key), depth+1)
}

// field finds a struct's field by its JSON name, among those embedded too.
func field(v reflect.Value, key string) reflect.Value {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch name, _ := tag(f); {
		case name == key && f.IsExported():
			return v.Field(i)
		case name == "" && f.Type.Kind() == reflect.Struct:
			if e := field(v.Field(i), key); e.IsValid() {
				return e
			}
		}
	}
	return reflect.Value{}
}

// text reads a string, the opening quote not yet taken.
func (d *decoder) text() (string, error) {
	d.at++
	var b []byte
	for d.at < len(d.data) {
		c := d.data[d.at]
		switch {
		case c == '"':
			d.at++
			return strings.ToValidUTF8(string(b), "\ufffd"), nil
		case c < 0x20:
			return "", errors.New("a control character in a string")
		case c != '\\':
			b = append(b, c)
			d.at++
		default:
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return "", errors.New("a string does not end")
}

func (d *decoder) escape() (rune, error) {
	d.at++
	if d.at >= len(d.data) {
		return 0, errors.New("a string does not end")
	}
	c := d.data[d.at]
	d.at++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, fmt.Errorf("no escape \\%c", c)
	}
	r, err := d.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if d.at+1 < len(d.data) && d.data[d.at] == '\\' && d.data[d.at+1] == 'u' {
		d.at += 2
		low, err := d.hex4()
		if err != nil {
			return 0, err
		}
		if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
			return both, nil
		}
		d.at -= 6
	}
	return utf8.RuneError, nil
}

func (d *decoder) hex4() (rune, error) {
	if d.at+4 > len(d.data) {
		return 0, errors.New("a string does not end")
	}
	n, err := strconv.ParseUint(string(d.data[d.at:d.at+4]), 16, 16)
	if err != nil {
		return 0, fmt.Errorf("no escape \\u%s", d.data[d.at:d.at+4])
	}
	d.at += 4
	return rune(n), nil
}
