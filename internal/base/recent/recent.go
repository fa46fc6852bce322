// SPDX-License-Identifier: GPL-2.0-or-later

package recent

import (
	"container/list"
	"sync"
)

// Memory keeps the values of the keys that were used last, up to a number of them. It is safe for concurrent use.
type Memory[K comparable, V any] struct {
	most int

	mu    sync.Mutex
	order *list.List // of *kept[K, V], the last used in front
	byKey map[K]*list.Element
}

type kept[K comparable, V any] struct {
	key   K
	value V
}

// New makes an empty memory for so many values.
func New[K comparable, V any](most int) *Memory[K, V] {
	return &Memory[K, V]{most: most, order: list.New(), byKey: map[K]*list.Element{}}
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
	k.value = f(k.value)
	if r.order.Len() > r.most {
		delete(r.byKey, r.order.Remove(r.order.Back()).(*kept[K, V]).key)
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
