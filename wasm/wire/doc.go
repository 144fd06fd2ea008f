// Package wire holds the messages that the page and its workers exchange.
// They travel as JSON; large data travels beside them as typed arrays and
// never through the page's Go.
package wire
