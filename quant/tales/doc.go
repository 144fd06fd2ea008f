// Package tales writes small English stories from a grammar.
//
// A story is a line of text about one or two children, their things and the
// places they go to. Who, what, how many and which colour are drawn at the
// start; the sentences then keep to them: a name keeps its pronouns, what is
// lost is found where it was put, three apples less two are one. A language
// model that was trained on such text has all of that to lose when its weights
// are rounded, and a reader sees at once that it did.
//
// The same seed gives the same text, on every machine.
package tales
