// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

// placed is where a mail stands in a thread.
type placed struct {
	at     int // among the mails
	depth  int // how many mails are above it, up to the one that begins the thread
	parent int // the mail it answers; -1: none of them
}

// treeOrder puts mails, which come by date, below those they answer. key is what a mail is known by, and answers the key of the one it answers. A mail
// that answers none of the others begins a thread; of mails that answer one another in a circle the first does.
func treeOrder(n int, key, answers func(int) string) []placed {
	byKey := make(map[string]int, n)
	for i := n - 1; i >= 0; i-- {
		byKey[key(i)] = i
	}
	parents, children := make([]int, n), make([][]int, n)
	for i := range n {
		parents[i] = -1
		if p, ok := byKey[answers(i)]; ok && p != i && answers(i) != "" {
			parents[i] = p
			children[p] = append(children[p], i)
		}
	}
	out, seen := make([]placed, 0, n), make([]bool, n)
	walk := func(root int) {
		stack := []placed{{root, 0, parents[root]}}
		for len(stack) > 0 {
			p := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[p.at] {
				continue
			}
			seen[p.at] = true
			out = append(out, p)
			for k := len(children[p.at]) - 1; k >= 0; k-- {
				stack = append(stack, placed{children[p.at][k], p.depth + 1, p.at})
			}
		}
	}
	for i := range n {
		if parents[i] < 0 {
			walk(i)
		}
	}
	for i := range n {
		if !seen[i] {
			walk(i)
		}
	}
	return out
}
