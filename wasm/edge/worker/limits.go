package main

import "fewbits/wasm/edge"

// maxBody is the size in bytes of the largest npy file. A worker has 128 MiB
// for everything; bytes become float32, their packed form, and for a report
// their reconstruction.
const maxBody = 4<<20 + edge.HeaderRoom
