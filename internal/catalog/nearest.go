package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxNamed is how many candidates a message names of which none is near.
const maxNamed = 12

// suggest names the candidates nearest to what was written, or all of them if
// none is near and they are few.
func suggest(written string, candidates []string) string {
	type scored struct {
		text     string
		distance int
	}
	var near []scored
	for _, c := range candidates {
		// A third of the letters wrong is still a slip, more is another word.
		if d := distance(strings.ToLower(written), strings.ToLower(c)); d <= max(1, len(c)/3) {
			near = append(near, scored{c, d})
		}
	}
	slices.SortStableFunc(near, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.text, b.text))
	})
	if len(near) == 0 && len(candidates) > maxNamed {
		return fmt.Sprintf("there are %d, from %s to %s; data.holdfast_locations lists them", len(candidates), candidates[0], candidates[len(candidates)-1])
	}
	if len(near) == 0 {
		return "there are: " + strings.Join(candidates, ", ")
	}
	var names []string
	for _, n := range near[:min(3, len(near))] {
		names = append(names, n.text)
	}
	return "did you mean " + strings.Join(names, " or ") + "?"
}

// distance is the optimal string alignment distance: how many letters must be
// inserted, deleted, replaced or swapped with their neighbour.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	// Three rows of the table suffice: the one being filled and two before.
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
