// Package lesson is what moves and what asks in the lessons: widgets, whose
// figures the engine computes as they are shown, and exercises, made from a
// seed, that know the likely slips.
//
// # To add a lesson
//
// Its text is web/lessons/NN-id.md, whose form web/lessons.mjs describes; that
// alone makes it a lesson, with a place in the list, a link and its progress. It
// names its widgets and exercises by their ids (":::widget id", ":::exercise id"),
// and terms of the glossary (95-words.md) as links to "#word-…".
//
// A widget is a file with a Widget and a line in Widgets; its figures are made of
// the kinds of Part, which web/js/lessons.js draws. An exercise is a file
// (ask_….go) with an Exercise and a line in Exercises: Make makes a Question from
// a seed, with the right answers, the slips, each with its reason, the hints and
// what follows. The tests of this package and web/test/browser/exercises.test.mjs
// then try it over many seeds, right and with every slip.
package lesson
