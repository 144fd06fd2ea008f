package wire

// Operations that write down what was done. Only the whole program has them,
// and the downloads of OpExport whose names begin with "np-".
const (
	OpReport = "report"      // nothing → report.Report: the input, and the latest result on it
	OpHash   = "report-open" // HashArgs + files or nothing → Hashed
)

// HashArgs names the file that comes along.
type HashArgs struct {
	Name string `json:"name"`
}

// Hashed is the answer: a report.Engine and a []report.File. Their package
// hashes, which the small program has no room for.
type Hashed struct {
	Engine any `json:"engine"`
	Files  any `json:"files"`
}
