package tales

// person is a name and what stands for it. In a template {A} is the name, and
// {he}, {him}, {his} and {boy} what belongs to it; of {B} they begin with "b".
type person struct{ name, he, him, his, boy string }

var people = func() (list []person) {
	for _, name := range []string{"Tom", "Ben", "Max", "Sam", "Leo", "Jack", "Finn", "Paul", "Hugo", "Nick"} {
		list = append(list, person{name, "he", "him", "his", "boy"})
	}
	for _, name := range []string{"Mia", "Lily", "Anna", "Rosa", "Sue", "Zoe", "Ella", "Nora", "Ruby", "Jane"} {
		list = append(list, person{name, "she", "her", "her", "girl"})
	}
	return list
}()

var (
	traits  = []string{"little", "kind", "brave", "clever", "shy", "funny"}
	colours = []string{"red", "blue", "green", "yellow", "white", "black", "brown", "pink"}
	things  = []string{"ball", "kite", "boat", "drum", "doll", "cup", "bag", "book", "bell", "lamp", "key", "ring"}
	clothes = []string{"hat", "coat", "scarf", "shirt"}
	tools   = []string{"glue", "tape", "string"}
	spots   = []string{"under a tree", "behind a rock", "on a bench", "next to a bush", "near the gate", "on the grass"}
	numbers = []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}
	moods   = []string{"sad", "angry"}
)

// place is a place, and how one is there.
type place struct{ noun, there string }

var places = []place{
	{"the park", "in the park"}, {"the garden", "in the garden"}, {"the forest", "in the forest"}, {"the beach", "at the beach"},
	{"the farm", "on the farm"}, {"the lake", "at the lake"}, {"the hill", "on the hill"}, {"the market", "at the market"},
	{"the school", "at the school"}, {"the river", "by the river"},
}

// fruits are what is counted: one, and more than one.
var fruits = [][2]string{
	{"apple", "apples"}, {"plum", "plums"}, {"nut", "nuts"}, {"pear", "pears"}, {"cake", "cakes"}, {"shell", "shells"},
}

// animal is an animal, what it says and what it eats.
type animal struct{ name, sound, food string }

var animals = []animal{
	{"dog", "woof", "a bone"}, {"cat", "meow", "some fish"}, {"duck", "quack", "some bread"}, {"hen", "cluck", "some corn"},
	{"frog", "croak", "a fly"}, {"mouse", "squeak", "some cheese"}, {"cow", "moo", "some grass"}, {"pig", "oink", "a carrot"},
}

// need is what an animal may want, and what is done about it; an empty cure is
// the animal's food.
type need struct{ state, cure string }

var needs = []need{
	{"hungry", ""}, {"hungry", ""}, {"cold", "a warm blanket"}, {"thirsty", "some water"}, {"tired", "a soft bed"},
}

// weather is what keeps a child at home, and what would happen outside.
type weather struct{ falls, become string }

var weathers = []weather{{"raining", "wet"}, {"snowing", "cold"}, {"very hot", "thirsty"}}
