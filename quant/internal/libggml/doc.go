// Package libggml asks the real libggml what it would write, so that tests
// and benchmarks can hold our bytes and our speed against it.
//
// The library is the one that the npm package @node-llama-cpp/linux-x64
// carries. It is loaded without cgo, on linux/amd64 alone; elsewhere every
// call answers ErrUnavailable.
//
// A Lib is the library in this process. It aborts the process on input that
// it asserts against, so tests ask an Oracle: the test binary started once
// more as a child, which may die and is then started again. For that the
// tests of a package that uses an Oracle begin with
//
//	func TestMain(m *testing.M) {
//		libggml.Serve()
//		os.Exit(m.Run())
//	}
package libggml
