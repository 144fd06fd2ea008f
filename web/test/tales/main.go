// Command tales prints the stories that the page measures models on, for tests
// that hold the page's numbers against the command's.
package main

import (
	"fmt"

	"fewbits/quant/tales"
)

func main() { fmt.Print(tales.Text(tales.Measuring, 120)) }
