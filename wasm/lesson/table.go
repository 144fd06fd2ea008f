package lesson

// Widgets are all of them, by the lessons that they first stand in.
var Widgets = []Widget{
	speedWidget,
	gridWidget,
	clipWidget,
	groupsWidget,
	outlierWidget,
	activationsWidget,
	floatWidget,
	blockWidget,
	quantilesWidget,
	kquantWidget,
	importanceWidget,
	gptqWidget,
	awqWidget,
	smoothWidget,
	memoryWidget,
	loadWidget,
}

// Exercises are all of them, likewise.
var Exercises = []Exercise{
	valuesExercise,
	scaleExercise,
	codeExercise,
	clipExercise,
	overheadExercise,
	outlierExercise,
	activationsExercise,
	floatExercise,
	quantilesExercise,
	kquantExercise,
	importanceExercise,
	gptqExercise,
	awqExercise,
	smoothExercise,
	sizeExercise,
	straightExercise,
	kvExercise,
}
