package session

import (
	"fewbits/quant/metric"
	"fewbits/quant/sample"
)

// maxValues bounds a tensor that is held whole.
const maxValues = sample.MaxValues

// sparks are small histograms of the samples, to tell them apart in a list.
func sparks() (Reply, error) {
	const side, bins = 64, 24
	arrays := map[string]any{}
	for _, name := range sample.Names() {
		t, err := sample.Make(name, side, side, 1)
		if err != nil {
			return Reply{}, err
		}
		arrays[name] = metric.Values(t.Data, bins).Counts
	}
	return Reply{Arrays: arrays}, nil
}
