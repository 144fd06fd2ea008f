package lesson

import "fmt"

// speedWidget shows how the bytes of the weights bound the speed: a token that
// is generated reads each of them once.
var speedWidget = Widget{
	ID: "speed",
	Controls: []Control{
		slider("billion", "Weights", 0.5, 100, 0.5, 7).in("billion"),
		slider("bandwidth", "Memory reads", 10, 2000, 10, 50).in("GB a second"),
	},
	Draw: drawSpeed,
}

func drawSpeed(v Values) ([]Part, error) {
	var size, speed []Bar
	var first, last float64
	for _, id := range []string{"fp32", "fp16", "int8", "q6_k", "q4_k", "q2_k"} {
		for _, w := range ways {
			if w.id != id {
				continue
			}
			bits, err := w.cost()
			if err != nil {
				return nil, err
			}
			gb := v.Number("billion") * bits / 8
			name := fmt.Sprintf("%s, %s bits", w.name, num(bits, 4))
			size = append(size, Bar{Name: name, Value: gb})
			speed = append(speed, Bar{Name: name, Value: v.Number("bandwidth") / gb})
			if id == "fp16" {
				first = v.Number("bandwidth") / gb
			}
			if id == "q4_k" {
				last = v.Number("bandwidth") / gb
			}
		}
	}
	return []Part{
		{Name: "What has to be read for every token", Say: fmt.Sprintf("%s billion weights are %s GB in FP16 and %s GB in Q4_K.", num(v.Number("billion"), 3), num(size[1].Value, 3), num(size[4].Value, 3)),
			Bars: &Bars{Rows: size, Unit: "GB", Digits: 1}},
		{Name: "How fast it can be at most", Say: fmt.Sprintf("At %s GB a second FP16 gives %s tokens a second at most, Q4_K %s.", num(v.Number("bandwidth"), 4), num(first, 3), num(last, 3)),
			Bars: &Bars{Rows: speed, Unit: "tokens a second", Digits: 1}},
	}, nil
}
