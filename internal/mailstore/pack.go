// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// encoders are kept because a new one costs more than the compression of a mail.
var encoders encoderPool

// packWindow is how far back, in bytes, a packed mail refers to itself.
const packWindow = 1 << 20

type encoderPool struct{ pool sync.Pool }

func (p *encoderPool) get() *zstd.Encoder {
	if e, ok := p.pool.Get().(*zstd.Encoder); ok {
		return e
	}
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(packWindow))
	if err != nil {
		panic(err) // only wrong options can do this
	}
	return e
}

func (p *encoderPool) put(e *zstd.Encoder) { p.pool.Put(e) }
