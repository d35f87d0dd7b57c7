/** What the simulated model knows: a small restaurant's telephone. */

export interface Question {
  /** What a caller says. */
  text: string;
  /** Words that the transcript must hold. */
  heard: string[];
  /** Words that the answer must hold. */
  answered: string[];
}

interface Rule {
  /** All of one of these lists must be in the transcript. */
  when: string[][];
  answer: string;
}

const RULES: Rule[] = [
  {
    when: [["open"], ["opening", "hours"]],
    answer: "We are open every day from eleven in the morning until ten at night.",
  },
  {
    when: [["address"], ["where", "are", "you"]],
    answer: "You find us at twelve harbour street, next to the old station.",
  },
  { when: [["menu"]], answer: "Today we have fish soup, roast chicken, and apple cake." },
  { when: [["vegetarian"]], answer: "Yes, half of our dishes are without meat." },
  { when: [["parking"], ["park"]], answer: "There is free parking behind the house." },
  { when: [["credit", "card"], ["pay"]], answer: "We take cash and all credit cards." },
  { when: [["human"], ["person"]], answer: "I will connect you with my colleague in a moment." },
  { when: [["cancel"]], answer: "Your table is cancelled. We hope to see you another day." },
  { when: [["children"]], answer: "Children are welcome, and we have high chairs." },
  { when: [["dog"]], answer: "Small dogs may sit on the terrace." },
  { when: [["garden"], ["outside"]], answer: "Yes, we have twenty seats in the garden." },
  { when: [["wine"]], answer: "Our red wine comes from the south of France." },
  { when: [["delivery"], ["deliver"]], answer: "We deliver within five miles for three dollars." },
  { when: [["music"]], answer: "A jazz trio plays every Friday night." },
];

/** All that it answers without being asked for more. */
export const ANSWERS: readonly string[] = RULES.map(({ answer }) => answer);

const NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

export const QUESTIONS: Question[] = [
  { text: "When do you open?", heard: ["when", "open"], answered: ["eleven", "ten"] },
  { text: "What is your address?", heard: ["address"], answered: ["harbour", "street"] },
  { text: "What is on the menu today?", heard: ["menu", "today"], answered: ["soup", "chicken"] },
  { text: "Do you have vegetarian dishes?", heard: ["vegetarian"], answered: ["without", "meat"] },
  { text: "Where can I park my car?", heard: ["park", "car"], answered: ["free", "parking"] },
  { text: "Can I pay with a credit card?", heard: ["credit", "card"], answered: ["cash", "cards"] },
  { text: "Please connect me to a human.", heard: ["connect", "human"], answered: ["connect", "colleague"] },
  { text: "I want to cancel my table.", heard: ["cancel", "table"], answered: ["cancelled"] },
  { text: "May I bring my children?", heard: ["bring", "children"], answered: ["welcome", "chairs"] },
  { text: "Is my dog allowed inside?", heard: ["dog"], answered: ["terrace"] },
  { text: "Do you have a garden?", heard: ["garden"], answered: ["twenty", "seats"] },
  { text: "Do you have red wine?", heard: ["red", "wine"], answered: ["south", "france"] },
  { text: "Do you offer delivery?", heard: ["delivery"], answered: ["five", "miles"] },
  { text: "Is there live music?", heard: ["live", "music"], answered: ["jazz", "friday"] },
  {
    text: "I would like to book a table for four people.",
    heard: ["book", "table", "four"],
    answered: ["four", "people"],
  },
  { text: "Please book a table for seven people.", heard: ["book", "table", "seven"], answered: ["seven", "people"] },
];

/** Every sentence that the ears must understand. */
export const SENTENCES: string[] = [
  ...QUESTIONS.map(({ text }) => text),
  ...NUMBERS.map((number) => `please book a table for ${number} people`),
  "what time is it",
  "what was my first question",
  "thank you goodbye",
  "stop please",
  "no thank you",
  "yes please",
];

/** What the model does next. */
export type Thought = { kind: "say"; text: string } | { kind: "call"; name: string; arguments: string; text?: string };

/**
 * Answers the caller's words; `tools` are the names of the functions that may be called, `first` is what he said first.
 */
export function think(words: string, tools: readonly string[], first = ""): Thought {
  const heard = words.toLowerCase().match(/[a-z']+/g) ?? [];
  const has = (word: string) => heard.some((candidate) => candidate === word);
  if (has("time") && tools.includes("get_time")) return { kind: "call", name: "get_time", arguments: "{}" };
  if (has("goodbye")) {
    const text = "Goodbye, and thank you for calling.";
    return tools.includes("end_call") ? { kind: "call", name: "end_call", arguments: "", text } : { kind: "say", text };
  }
  if (has("first") && has("question")) return { kind: "say", text: `You asked: ${first}.` };
  if (has("book")) {
    const number = NUMBERS.find(has);
    if (number !== undefined) return { kind: "say", text: `I have booked a table for ${number} people.` };
  }
  const rule = RULES.find(({ when }) => when.some((list) => list.every(has)));
  if (rule) return { kind: "say", text: rule.answer };
  return {
    kind: "say",
    text: words === "" ? "I did not hear you, please say it again." : `I heard ${words}. How can I help you?`,
  };
}
