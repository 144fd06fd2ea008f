package tales

// A template is text with {slots}, which are drawn once for a story, and
// [this|or that], of which one is drawn each time.

// openings present {A}.
var openings = []string{
	"[Once upon a time|Once|Long ago] there was a {trait} {boy} named {A}.",
	"{A} was a {trait} {boy}.",
	"There was a {trait} {boy}. {His} name was {A}.",
}

// story is a template, and what in it will be remembered.
type story struct{ text, key string }

var stories = []story{
	{ // what is lost is where it was put
		"{He} had a {c1} {o1} and [liked|loved] it very much. One day {he} took the {c1} {o1} to {pn} and put it {s}. " +
			"Then a {animal} came by and {A} [ran after it|played with it]. At home {he} was sad. \"Where is my {c1} {o1}?\" {he} said. " +
			"\"You put it {s} {p},\" said {B}. They went back to {pn}. The {c1} {o1} was still {s}! {A} was [happy|glad].",
		"the {c1} {o1}",
	},
	{ // n − k
		"{He} had {n f}. {P} {he} met {B}, who was hungry. {A} gave {k f} to {B}. \"Thank you, {A}!\" said {B}. " +
			"Now {A} had {n-k f} and {B} had {k f}. They sat {s} and ate[ together|].",
		"{B}",
	},
	{ // k + m
		"One [day|morning] {he} went to {pn} and found {k f} {s}. Then {he} went to {qn} and found {m f}. " +
			"\"Now I have {k+m f},\" said {A}. {He} gave all {k+m number} to {his} friend {B}. {B} was [happy|glad] and said, \"{k+m F}! Thank you, {A}!\"",
		"the {k+m f}",
	},
	{ // whose it was, and what mends it
		"One day {A} and {B} played with a {c1} {o1} {p}. {A} [threw|dropped] it and it broke. {B} was {mood}, because it was {bhis} {o1}. " +
			"\"I am sorry, {B},\" said {A}. \"I will fix it with some {tool}.\" {He} got the {tool} and fixed the {c1} {o1}. " +
			"{B} [smiled|laughed]. {Bhe} was not {mood} any more.",
		"the {c1} {o1}",
	},
	{ // the colour that somebody likes
		"It was the birthday of {his} friend {B}. {B} liked all things that were {c1}. {A} went to the shop. " +
			"There {he} saw a {c2} {o2} and a {c1} {o1}. {He} did not buy the {c2} {o2}. {He} bought the {c1} {o1} and gave it to {B}. " +
			"\"A {c1} {o1}!\" said {B}. \"I like {c1}. Thank you, {A}!\"",
		"the birthday of {B}",
	},
	{ // what an animal needs, and says
		"One day {he} saw a {c1} {animal} {p}. The {animal} was {state}. \"Do not be sad, {animal},\" said {A}. {He} went home and got {cure}. " +
			"{He} gave it to the {c1} {animal}. \"{Sound}, {sound}!\" said the {animal}. It was not {state} any more. {A} and the {animal} [were friends|played together] {p}.",
		"the {c1} {animal}",
	},
	{ // a hint that comes true last
		"{He} could not find {his} {o1}. \"Look in the {c3} box,\" said {B}. {A} saw three boxes. {He} opened the {c1} box. It was empty. " +
			"{He} opened the {c2} box. There was only a {o2} in it. Then {he} opened the {c3} box. There was {his} {o1}! \"You were right, {B},\" said {A}.",
		"the {c3} box",
	},
	{ // there and back
		"One [day|morning] {he} went for a long walk. First {he} came to {pn}, then to {qn}, and then to {rn}. " +
			"{R} {he} met a {animal}. \"{Sound}!\" said the {animal}. Then {A} went back. {He} came to {qn}, then to {pn}, and then {he} was home. " +
			"\"Where did you go?\" said {B}. \"I went to {pn}, to {qn} and to {rn},\" said {A}.",
		"the {animal}",
	},
	{ // why one stays at home; whose is which colour
		"{He} wanted to go to {pn}, but it was {falls}. {A} did not want to get {become}, so {he} [stayed|played] at home. " +
			"Later {he} put on {his} {c1} {cloth} and went to {pn}. There {he} saw {B}, who had a {c2} {cloth}. " +
			"\"I like your {c2} {cloth},\" said {A}. \"And I like your {c1} {cloth},\" said {B}.",
		"the {c2} {cloth}",
	},
	{ // which is big and which is small
		"{He} had a big {o1} and a small {o2}. {B} came and wanted to play. \"Do you want the big {o1} or the small {o2}?\" said {A}. " +
			"\"I want the [big {o1},\" said {B}. So {A} took the small {o2} and {B} took the big {o1}|small {o2},\" said {B}. So {A} took the big {o1} and {B} took the small {o2}]. They played {p}.",
		"{B}",
	},
}

// endings remember.
var endings = []string{
	"", "",
	" In the evening {A} told {his} [mother|father] about {key}.",
	" That night {A} dreamed of {key}.",
	" {A} never forgot {key}.",
	" What a {trait} {boy}!",
}
