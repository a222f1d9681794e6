/** Nothing at all: what any page costs before its first line does anything. */
window.filled = { questions: () => [], choice: () => null, card: () => null, value: () => '' }
