// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// earlyRows are the rows of a statement that have been read.
type earlyRows struct {
	asked   statement
	columns []string
	rows    [][]driver.Value
}

// read reads the next answer of a pipeline.
func (r *earlyRows) read(c *pipelinedConn) (tag pgconn.CommandTag, err error) {
	result, err := c.result()
	if err != nil {
		return tag, err
	}
	fields := result.FieldDescriptions()
	for _, f := range fields {
		r.columns = append(r.columns, f.Name)
	}
	var unread error
	for result.NextRow() {
		row := make([]driver.Value, len(fields))
		for i, v := range result.Values() {
			if row[i], err = value(c.Conn.Conn().TypeMap(), fields[i], v); err != nil && unread == nil {
				unread = fmt.Errorf("read column %s: %w", r.columns[i], err)
			}
		}
		r.rows = append(r.rows, row)
	}
	if tag, err = result.Close(); err == nil {
		err = unread
	}
	return tag, err
}

// value is a column as database/sql knows it. The octets are the connection's.
func value(types *pgtype.Map, f pgconn.FieldDescription, octets []byte) (driver.Value, error) {
	if octets == nil {
		return nil, nil
	}
	if f.Format == pgtype.BinaryFormatCode {
		switch {
		case f.DataTypeOID == pgtype.BoolOID && len(octets) == 1:
			return octets[0] != 0, nil
		case f.DataTypeOID == pgtype.Int8OID && len(octets) == 8:
			return int64(binary.BigEndian.Uint64(octets)), nil
		case f.DataTypeOID == pgtype.Int4OID && len(octets) == 4:
			return int64(int32(binary.BigEndian.Uint32(octets))), nil
		case f.DataTypeOID == pgtype.ByteaOID:
			return append([]byte{}, octets...), nil
		}
	}
	if f.DataTypeOID == pgtype.TextOID || f.DataTypeOID == pgtype.VarcharOID { // the same in both formats
		return string(octets), nil
	}
	t, ok := types.TypeForOID(f.DataTypeOID)
	if !ok {
		return nil, fmt.Errorf("the type %d is not read ahead", f.DataTypeOID)
	}
	v, err := t.Codec.DecodeValue(types, f.DataTypeOID, f.Format, octets)
	if err != nil {
		return nil, err
	}
	return plainValue(v)
}

// plainValue makes of what pgx reads what database/sql knows.
func plainValue(v any) (driver.Value, error) {
	switch v := v.(type) {
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case float32:
		return float64(v), nil
	case driver.Valuer: // NUMERIC, which sums are
		return v.Value()
	}
	if !driver.IsValue(v) {
		return nil, fmt.Errorf("a %T is not read ahead", v)
	}
	return v, nil
}

// Columns implements driver.Rows.
func (r *earlyRows) Columns() []string { return r.columns }

// Close implements driver.Rows.
func (r *earlyRows) Close() error { return nil }

// Next implements driver.Rows.
func (r *earlyRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(dest, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}
