package calib

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Each calls work for 0 … n−1, on all cores, in no order. Once ctx is done it
// calls it no more and returns ctx.Err().
func Each(ctx context.Context, n int, work func(i int)) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// chunks is how many parts of at most size n things make.
func chunks(n, size int) int { return (n + size - 1) / size }
