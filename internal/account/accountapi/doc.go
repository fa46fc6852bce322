// SPDX-License-Identifier: GPL-2.0-or-later

// Package accountapi is the REST API of people (the addresses that mail comes from) and users: their wire types, the lists, and what users change of
// themselves. Who is not logged in sees neither: addresses are not for everybody.
//
//	accountapi.Routes(mux, shell, db, patch.SetBot)
package accountapi
