// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Values as PostgreSQL sends them. Numbers come in network byte order (PostgreSQL manual, 55.7), texts as they are.

// wireNum is an integer; ok is false for what is none.
func wireNum(v []byte, f *pgconn.FieldDescription) (n int64, ok bool) {
	oid := f.DataTypeOID
	switch {
	case v == nil:
		return 0, true
	case f.Format == pgtype.TextFormatCode:
		n, err := strconv.ParseInt(string(v), 10, 64)
		return n, err == nil && !wireIsText(oid)
	case oid == pgtype.Int8OID && len(v) == 8:
		return int64(binary.BigEndian.Uint64(v)), true
	case oid == pgtype.Int4OID && len(v) == 4:
		return int64(int32(binary.BigEndian.Uint32(v))), true
	case oid == pgtype.Int2OID && len(v) == 2:
		return int64(int16(binary.BigEndian.Uint16(v))), true
	case oid == pgtype.NumericOID: // sums
		return wireNumeric(v)
	}
	return 0, false
}

// wireNumeric is a NUMERIC without a fraction: how many digits of base 10,000 there are, the weight of the first, the sign, how many are shown behind the point, the digits
// (numeric_send in PostgreSQL's numeric.c).
func wireNumeric(v []byte) (n int64, ok bool) {
	const head, base, negative = 8, 10000, 0x4000
	if len(v) < head {
		return 0, false
	}
	word := func(at int) int { return int(int16(binary.BigEndian.Uint16(v[at:]))) }
	digits, weight, sign := word(0), word(2), word(4)
	if digits < 0 || len(v) != head+2*digits || sign != 0 && sign != negative || weight > 4 || digits > weight+1 {
		return 0, false
	}
	for i := range weight + 1 {
		var d int64
		if i < digits {
			d = int64(word(head + 2*i))
		}
		if n > (math.MaxInt64-d)/base {
			return 0, false
		}
		n = n*base + d
	}
	if sign == negative {
		n = -n
	}
	return n, true
}

// wireIsText tells whether values of a type are texts.
func wireIsText(oid uint32) bool {
	switch oid {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID, pgtype.UnknownOID:
		return true
	}
	return false
}

// wireFlag is a BOOLEAN.
func wireFlag(v []byte, f *pgconn.FieldDescription) (yes, ok bool) {
	switch {
	case v == nil:
		return false, true
	case f.DataTypeOID != pgtype.BoolOID || len(v) != 1:
		return false, false
	case f.Format == pgtype.TextFormatCode:
		return v[0] == 't', true
	}
	return v[0] != 0, true
}

// wireKind names a type in an error.
func (c *Cells) wireKind(i int) string {
	for name, oid := range map[string]uint32{"text": pgtype.TextOID, "bigint": pgtype.Int8OID, "integer": pgtype.Int4OID, "boolean": pgtype.BoolOID} {
		if c.fields[i].DataTypeOID == oid {
			return name
		}
	}
	return fmt.Sprint("of type ", c.fields[i].DataTypeOID)
}
