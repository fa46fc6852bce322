// SPDX-License-Identifier: GPL-2.0-or-later

package recent

import (
	"container/list"
	"sync"
)

// Memory keeps the values of the keys that were used last, up to a number of them, and to a weight together. It is safe for concurrent use.
type Memory[K comparable, V any] struct {
	most, heaviest int
	weigh          func(V) int // nil: nothing weighs

	mu    sync.Mutex
	order *list.List // of *kept[K, V], the last used in front
	byKey map[K]*list.Element
	held  int // the weight of all
}

type kept[K comparable, V any] struct {
	key   K
	value V
}

// New makes an empty memory for so many values.
func New[K comparable, V any](most int) *Memory[K, V] {
	return &Memory[K, V]{most: most, order: list.New(), byKey: map[K]*list.Element{}}
}

// NewWeighed makes an empty memory for so many values that weigh no more than heaviest together.
func NewWeighed[K comparable, V any](most, heaviest int, weigh func(V) int) *Memory[K, V] {
	r := New[K, V](most)
	r.heaviest, r.weigh = heaviest, weigh
	return r
}

func (r *Memory[K, V]) weight(v V) int {
	if r.weigh == nil {
		return 0
	}
	return r.weigh(v)
}

// Change makes f of the value of a key, the zero value if there is none, and keeps it; f must be quick.
func (r *Memory[K, V]) Change(key K, f func(V) V) V {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byKey[key]
	if e == nil {
		e = r.order.PushFront(&kept[K, V]{key: key})
		r.byKey[key] = e
	} else {
		r.order.MoveToFront(e)
	}
	k := e.Value.(*kept[K, V])
	old := r.weight(k.value)
	k.value = f(k.value)
	r.held += r.weight(k.value) - old
	for r.order.Len() > r.most || r.held > r.heaviest && r.order.Len() > 1 {
		last := r.order.Remove(r.order.Back()).(*kept[K, V])
		delete(r.byKey, last.key)
		r.held -= r.weight(last.value)
	}
	return k.value
}

// Get is the value of a key; ok is false if there is none.
func (r *Memory[K, V]) Get(key K) (v V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byKey[key]
	if e == nil {
		return v, false
	}
	r.order.MoveToFront(e)
	return e.Value.(*kept[K, V]).value, true
}

// Put keeps a value.
func (r *Memory[K, V]) Put(key K, v V) { r.Change(key, func(V) V { return v }) }
