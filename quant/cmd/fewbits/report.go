package main

import (
	"math"
	"strconv"

	"fewbits/quant/metric"
)

// report is a metric.Report whose numbers may be infinite or not a number, as
// they are where a float format kept such a value; JSON has null for those.
type report struct {
	Format        string  `json:"format"`
	Tensor        string  `json:"tensor,omitempty"`
	Values        int     `json:"values"`
	Bytes         int     `json:"bytes"`
	BitsPerWeight float64 `json:"bitsPerWeight"`
	Ratio         float64 `json:"ratio"` // bytes as float32 / Bytes
	MSE           real    `json:"mse"`
	RMSE          real    `json:"rmse"`
	RelRMSE       real    `json:"relRmse"`
	SQNR          real    `json:"sqnr"` // in dB; null where nothing was lost
	MaxAbs        real    `json:"maxAbs"`
	Cosine        real    `json:"cosine"`
}

// real is a number that JSON may have no form for.
type real float64

// MarshalJSON writes null for infinities and NaN.
func (r real) MarshalJSON() ([]byte, error) {
	if f := float64(r); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return strconv.AppendFloat(nil, f, 'g', -1, 64), nil
	}
	return []byte("null"), nil
}

func reportOf(s metric.Sums, format, tensor string) report {
	r := s.Report(format, tensor)
	return report{
		Format: r.Format, Tensor: r.Tensor, Values: r.Values, Bytes: r.Bytes, BitsPerWeight: r.BitsPerWeight, Ratio: r.Ratio,
		MSE: real(r.MSE), RMSE: real(r.RMSE), RelRMSE: real(r.RelRMSE), SQNR: real(r.SQNR), MaxAbs: real(r.MaxAbs), Cosine: real(r.Cosine),
	}
}
