package page

import "sort"

// order sorts a list; what compares as equal keeps its order. slices.SortStableFunc
// would be compiled anew for every type, at two to four KB of the page's download each.
func order[T any](list []T, compare func(a, b *T) int) {
	sort.SliceStable(list, func(i, j int) bool { return compare(&list[i], &list[j]) < 0 })
}
