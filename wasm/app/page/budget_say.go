package page

import (
	"fmt"
	"strconv"
	"strings"

	"fewbits/wasm/wire"
)

// threeDigits prints a number with three significant digits.
func threeDigits(v float64) string {
	s := strconv.FormatFloat(v, 'g', 3, 64)
	if m, e, ok := strings.Cut(s, "e"); ok {
		n, _ := strconv.Atoi(e)
		return m + " × 10" + strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").Replace(strconv.Itoa(n))
	}
	return s
}

// LossText is a loss in words: "error 5.12 %", "KL 0.043 nats".
func (b *Budget) LossText(v float64) string {
	if b.Text != "" {
		return "KL " + threeDigits(b.Loss(v)) + " nats"
	}
	return "error " + threeDigits(b.Loss(v)) + " %"
}

// Help says what the chosen size comes to.
func (b *Budget) Help(bits string) string {
	say := fmt.Sprintf("%s used, %s; predicted %s.", mib(b.Mix.Bytes), bits, b.LossText(b.Mix.Loss))
	if !b.Mix.Exact {
		say = strings.TrimSuffix(say, ".") + ", within a hair of the least."
	}
	return say
}

// near is the recipe whose size is nearest to the mix's, of those that are
// compared; nil where there is none.
func (b *Budget) near() *wire.BudgetRecipe {
	var best *wire.BudgetRecipe
	far := func(r *wire.BudgetRecipe) int64 { return max(r.Bytes-b.Mix.Bytes, b.Mix.Bytes-r.Bytes) }
	for i := range b.Front.Recipes {
		r := &b.Front.Recipes[i]
		for _, name := range comparedRecipes {
			if r.Name == name && r.Best >= 0 && (best == nil || far(r) < far(best)) {
				best = r
			}
		}
	}
	return best
}

// Say is the sentence of the plot.
func (b *Budget) Say() string {
	if b.Mix == nil {
		return "The line is the least loss at each size."
	}
	say := fmt.Sprintf("The mix of %s: %s.", mib(b.Mix.Bytes), b.LossText(b.Mix.Loss))
	if r := b.near(); r != nil {
		say += fmt.Sprintf(" At %s's %s: %s, where %s has %s.", r.Name, mib(r.Bytes), b.LossText(r.Best), r.Name, strings.SplitN(b.LossText(r.Loss), " ", 2)[1])
	}
	return say
}

// CheckHelp says what losses are counted by; why is the reason that no text can
// be read, if there is one.
func (b *Budget) CheckHelp(why string) string {
	switch {
	case why != "":
		return "Losses are relative errors; all tensors count alike. " + why
	case b.Text == "":
		return "Losses are relative errors; all tensors count alike. A text says more: the model is run with each tensor quantized alone, and its predictions are held against the original's. The text is that of “What it lost”."
	}
	return fmt.Sprintf("Losses are nats a token, from the first half of %s. The second half, which was not looked at, judges what was predicted.", b.Text)
}
