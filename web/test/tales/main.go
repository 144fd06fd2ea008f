// Command tales prints the stories that the page measures models on, for tests
// that hold the page's numbers against the command's; with the argument
// "calibration" those that methods see on Compare.
package main

import (
	"fmt"
	"os"

	"fewbits/quant/tales"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "calibration" {
		fmt.Print(tales.Text(tales.Calibration, 60))
		return
	}
	fmt.Print(tales.Text(tales.Measuring, 120))
}
