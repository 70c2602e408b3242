#!/usr/bin/env python3
"""Writes the training text of the village model: short stories from a grammar, one per paragraph block.

    stories.py --seed 1 --stories 6000 > stories.txt

A story is not random sentences: each plot is a small simulation that remembers who owns what, where
it went and why, so that a later sentence can rely on an earlier one (a crow takes only what shines; the
wind only what is light). The village is always the same: Oskar bakes, Bruno is the smith, Ida loses things, Leo
runs errands, and every plot has its own children. So a model of half a million parameters can keep the names apart.

The same seed gives the same text with every version of Python: the generator has its own random numbers.
Stories are separated by an empty line. The text and this program are dedicated to the public domain (CC0 1.0).
"""
import argparse
import sys


class Random:
    """xorshift64*, so that the text doesn't depend on the library's generator."""

    def __init__(self, seed):
        self.state = (seed * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) & 0xFFFFFFFFFFFFFFFF or 1

    def below(self, n):
        x = self.state
        x ^= x >> 12
        x ^= (x << 25) & 0xFFFFFFFFFFFFFFFF
        x ^= x >> 27
        self.state = x
        return ((x * 0x2545F4914F6CDD1D & 0xFFFFFFFFFFFFFFFF) >> 11) % n

    def pick(self, *options):
        """One of the arguments, or an element of the only one when that is a list."""
        if len(options) == 1 and isinstance(options[0], (list, tuple)):
            options = options[0]
        return options[self.below(len(options))]

    def sample(self, options, n):
        left = list(options)
        return [left.pop(self.below(len(left))) for _ in range(n)]


class Person:
    def __init__(self, name, female, job="", place=""):
        self.name, self.job, self.place = name, job, place
        self.he, self.him, self.his = ("she", "her", "her") if female else ("he", "him", "his")
        self.He, self.His = self.he.capitalize(), self.his.capitalize()

    def __str__(self):
        return self.name

    @property
    def full(self):
        return f"{self.name} the {self.job}" if self.job else self.name


CHILDREN = {n: Person(n, f) for n, f in [
    ("Anna", True), ("Clara", True), ("Ida", True), ("Mina", True), ("Rosa", True),
    ("Ben", False), ("Felix", False), ("Hugo", False), ("Leo", False), ("Nils", False)]}
GROWN = [Person(*p) for p in [
    ("Oskar", False, "baker", "bakery"), ("Marta", True, "miller", "mill"), ("Bruno", False, "smith", "forge"),
    ("Selma", True, "weaver", "weaving house"), ("Anton", False, "shepherd", "hill"),
    ("Piet", False, "ferryman", "river"), ("Lotte", True, "beekeeper", "orchard"),
    ("Emil", False, "gardener", "garden"), ("Runa", True, "carpenter", "workshop")]]
BY_JOB = {p.job: p for p in GROWN}


def a(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


class Story:
    def __init__(self, seed):
        self.r = Random(seed)
        self.paragraphs = [[]]

    def say(self, *sentences):
        """One of the variants of a sentence; a variant may hold several sentences."""
        self.paragraphs[-1].append(self.r.pick(*sentences))

    def para(self):
        self.paragraphs.append([])

    def text(self):
        return "\n".join(" ".join(p) for p in self.paragraphs if p)

    def maybe(self, percent, *sentences):
        if self.r.below(100) < percent:
            self.say(*sentences)

    # What several plots share.
    def open_with(self, who):
        """A first sentence that presents the child, the day or the village."""
        r = self.r
        season, detail = r.pick(("spring", "the snow was gone"), ("summer", "the grass was high"),
                                ("autumn", "the leaves were red"), ("winter", "the roofs were white"))
        age = r.pick("six", "seven", "eight", "nine")
        self.say(
            f"Once there was a {'girl' if who.he == 'she' else 'boy'} named {who} who lived in a small village by the river.",
            f"It was {season}, and {detail}. {who} woke up early.",
            f"{who} was {age} years old and lived next to the old mill.",
            f"In a small village by the river lived a {'girl' if who.he == 'she' else 'boy'} named {who}.",
            f"One {season} morning, {who} sat at the window and looked at the street.",
            f"On a {r.pick('warm', 'cold', 'windy', 'quiet', 'bright')} {season} day, {who} walked through the village.")

    def close(self, who, lesson):
        """A last paragraph: evening, and what the child keeps of the day."""
        self.para()
        self.say(f"That evening {who} told the whole story at the table.",
                 f"When the sun went down, {who} was tired and happy.",
                 f"That night {who} lay in bed and listened to the river.",
                 f"In the evening the whole family sat by the stove, and {who} told them everything.")
        self.say(f"\"{lesson},\" said {who.his} {self.r.pick('mother', 'father', 'grandmother', 'grandfather')}.",
                 f"{who} thought: {lesson[0].lower() + lesson[1:]}.",
                 f"From that day on, {who} never forgot it: {lesson[0].lower() + lesson[1:]}.",
                 f"\"Now I know,\" {who.he} said. \"{lesson}.\"")


# ---- The plots --------------------------------------------------------------------------------

def lost_thing(s):
    """Something is gone; a neighbour saw the thief; it is found where such a thief would leave it."""
    r, c = s.r, CHILDREN["Ida"]
    kind = r.pick("shiny", "light", "soft")
    thing, origin = {
        "shiny": r.pick(("silver bell", "from the market"), ("small key", "for the garden gate"), ("golden button", "from an old coat"),
                        ("little spoon", "from the kitchen")),
        "light": r.pick(("red scarf", "that was a gift from grandmother"), ("paper kite", f"that {c.he} had made"), ("straw hat", "with a blue ribbon"),
                        ("white feather", "from the oldest goose")),
        "soft": r.pick(("leather ball", "with seven seams"), ("warm glove", "made of gray wool"), ("wooden shoe", "with a red heel"),
                       ("cloth rabbit", "with one ear")),
    }[kind]
    s.open_with(c)
    s.say(f"{c.He} had {a(thing)} {origin}, and {c.he} loved it more than anything.",
          f"What {c.he} loved most was {a(thing)} {origin}.",
          f"{c.His} greatest treasure was {a(thing)} {origin}.")
    s.say(f"But that day the {thing} was gone.", f"But when {c.he} looked for it, the {thing} was gone.",
          f"One morning the {thing} was not in its place.")
    s.para()
    first, second = r.sample(["under the bed", "behind the stove", "in the big chest", "on the shelf", "in the barn", "under the table"], 2)
    s.say(f"{c} looked {first} and {second}, but it was not there.",
          f"{c.He} looked {first}. Nothing. {c.He} looked {second}. Nothing again.",
          f"First {c.he} looked {first}, then {second}. There was only dust.")
    g = r.pick(GROWN)
    s.say(f"So {c.he} went to {g.full}. \"Have you seen my {thing}?\" {c.he} asked.",
          f"{c.He} ran to the {g.place} and asked {g.full}: \"Have you seen my {thing}?\"")
    if kind == "shiny":
        thief, seen = "crow", r.pick("a crow with something bright in its beak", "a black crow that flew very low")
        place = r.pick("the old oak", "the church tower", "the tall pine")
    elif kind == "light":
        thief, seen = "wind", r.pick("the wind carry something over the roofs", "something dance in the wind")
        place = r.pick("the pear tree", "the fence of the orchard", "the top of the hedge")
    else:
        thief, seen = "dog", r.pick("a brown dog with something in its mouth", "the dog of the ferryman run very fast")
        place = r.pick("the hay barn", "the old boat", "the bench behind the inn")
    s.say(f"\"No,\" said {g}, \"but this morning I saw {seen}. It went to {place}.\"",
          f"{g} thought for a while. \"I saw {seen},\" {g.he} said. \"Go and look at {place}.\"")
    s.para()
    s.say(f"{c} ran to {place} as fast as {c.he} could.", f"{c} thanked {g.him} and ran to {place}.")
    if thief == "crow":
        s.say(f"High up there was a nest, and in the nest the {thing} was shining in the sun.",
              f"And there, in a nest made of sticks, lay the {thing}.")
        other = r.pick("a piece of glass", "a shiny stone", "an old coin")
        s.say(f"{c} put {other} into the nest and took the {thing} back. The crow looked at {other} and was content.",
              f"\"Let us trade,\" said {c} to the crow. {c.He} gave it {other}, and the crow let {c.him} take the {thing}.")
        lesson = r.pick("Who wants something back should bring something along", "Even a thief can be a good trader")
    elif thief == "wind":
        s.say(f"There it was! The {thing} hung between the leaves, just too high to reach.",
              f"The {thing} was there, but it hung too high for {c.him}.")
        helper = r.pick("the carpenter", "the gardener")
        h = BY_JOB[helper.split()[1]]
        if h is g:
            h = BY_JOB["miller"]
        s.say(f"{h.full} came by with a long ladder. {c} climbed up, step by step, and held the {thing} in {c.his} hands again.",
              f"{c} called {h.full}, who brought a long ladder, and soon the {thing} was safe in {c.his} hands.")
        lesson = r.pick("What is light needs a heavy stone on top", "When you are too small, ask for a ladder")
    else:
        s.say(f"The dog was lying on the {thing}, fast asleep.", f"There lay the dog, and between its paws was the {thing}.")
        food = r.pick("a piece of bread", "a bit of cheese", "an old bone")
        s.say(f"{c} held out {food}. The dog stood up, wagged its tail and forgot the {thing}.",
              f"{c} did not shout. {c.He} gave the dog {food}, and the dog gave {c.him} the {thing}.")
        lesson = r.pick("A friendly hand gets more than a loud voice", "Do not be angry with a dog that wants to play")
    s.close(c, lesson)


def missing_ingredient(s):
    """A grown-up cannot finish the work; the child fetches what is missing and pays with a favour."""
    r, c = s.r, CHILDREN["Leo"]
    maker, dish, thing, supplier = r.pick(
        ("baker", "honey cake", "honey", "beekeeper"), ("baker", "bread", "flour", "miller"), ("baker", "apple pie", "apples", "gardener"),
        ("weaver", "blanket", "wool", "shepherd"), ("carpenter", "chair", "nails", "smith"), ("gardener", "fish soup", "fish", "ferryman"),
        ("beekeeper", "new hive", "boards", "carpenter"), ("shepherd", "warm coat", "cloth", "weaver"))
    m, p = BY_JOB[maker], BY_JOB[supplier]
    event = r.pick("the harvest feast", "a wedding", "the birthday of the oldest man in the village", "market day")
    s.say(f"{m.full} wanted to make {a(dish) if dish != 'bread' else 'bread'} for {event}.",
          f"It was the day before {event}, and {m.full} had a lot of work.",
          f"Everybody in the village was waiting for {event}.")
    s.say(f"But {m.he} had no {thing}. \"Without {thing} there will be no {dish},\" {m.he} said.",
          f"\"Oh no,\" said {m}, \"I have no {thing} left, and without {thing} there is no {dish}!\"")
    s.say(f"{c} heard it and said: \"I will go and get some.\"",
          f"{c}, who stood at the door, took a basket. \"I will bring you some,\" {c.he} said.")
    s.para()
    s.say(f"{c} walked to {p.full}. \"Please give me some {thing} for {m},\" {c.he} said.",
          f"The way to the {p.place} was long. \"Good morning, {p},\" said {c}. \"{m} needs {thing}.\"")
    favour, done = r.pick(
        ("sweep the floor", "swept the floor until it was clean"), ("carry the wood into the house", "carried the wood, piece by piece"),
        ("fetch two buckets of water", "fetched two buckets of water from the well"), ("feed the hens", "fed the hens and counted the eggs"),
        ("hold the horse", "held the horse and told it a story"))
    s.say(f"\"Gladly,\" said {p}, \"but first help me. My back hurts. Could you {favour}?\"",
          f"\"You can have it,\" said {p}, \"if you {favour} for me.\"")
    s.say(f"{c} {done}.", f"So {c} {done}. It took an hour.")
    s.say(f"{p} smiled and filled the basket with {thing}.",
          f"Then {p} gave {c.him} the best {thing} {p.he} had.")
    s.para()
    s.say(f"{c} ran back. {m} laughed with joy and began to work at once.",
          f"When {c} came back, {m} was already waiting at the door.")
    s.say(f"In the evening the {dish} was ready, and it was the best {dish} in many years.",
          f"The whole village came to see the {dish}. \"How beautiful,\" they said.",
          f"On the next day everybody praised the {dish}.")
    s.say(f"\"This is the work of three people,\" said {m}, \"{p}, {c} and me.\"",
          f"The first thanks of {m} went to {c}, because without {c.him} nothing would have been made.",
          f"\"Thank {c},\" said {m}. \"{c.He} went all the way to the {p.place}.\"")
    s.close(c, r.pick("Who helps two people is thanked twice", "Good things need many hands", "A long way is short when you go for a friend"))


def storm(s):
    """The storm breaks something that all need; each brings what a person of that trade has."""
    r, c, d = s.r, CHILDREN["Rosa"], CHILDREN["Nils"]
    thing, use, parts = r.pick(
        ("bridge", "nobody could cross the river", "boards"), ("roof of the school", "the rain fell on the books", "straw"),
        ("fence of the sheep", "the sheep stood in the street", "posts"), ("wheel of the mill", "there was no flour", "boards"))
    s.say("In the night a great storm came over the village.", "All night long the storm shook the houses.",
          "One night the wind was so strong that nobody could sleep.")
    s.say(f"In the morning the {thing} was broken, and {use}.", f"When the sun came up, the people saw it: the {thing} was broken, and {use}.")
    s.para()
    first, second = r.sample([p for p in GROWN if p.job in ("smith", "carpenter", "weaver", "gardener")], 2)
    bring = {"smith": ("nails", "a heavy hammer"), "carpenter": ("boards", "a sharp saw"), "weaver": ("strong rope", "needles"),
             "gardener": ("a ladder", "a wheelbarrow")}
    s.say(f"\"We will mend it today,\" said {first.full}, and {first.he} brought {bring[first.job][0]}.",
          f"{first.full} came first and brought {bring[first.job][0]} and {bring[first.job][1]}.")
    s.say(f"Then came {second.full} with {bring[second.job][0]}.", f"{second.full} did not wait either and brought {bring[second.job][0]}.")
    s.say(f"{c} and {d} carried {parts} until their arms hurt.", f"{c} and {d} were small, but they carried {parts} like the others.")
    s.say("They worked until noon, but then something was missing.", "The work went well until noon. Then they stopped.")
    idea, how = r.pick(("a rope across the river", "pull the heavy beam from both sides"), ("the old cart", "stand on it and reach the top"),
                       ("a row of people", "hand the pieces from one to the next"), ("the two strong oxen", "pull the beam up the slope"))
    s.say(f"\"The beam is too heavy,\" said {first}.", f"\"We cannot lift the beam,\" said {first} and sat down.")
    s.say(f"{c} looked at the beam for a long time. \"We could use {idea},\" {c.he} said, \"and {how}.\"",
          f"\"What about {idea}?\" asked {c}. \"With it we could {how}.\"")
    s.para()
    s.say("They tried it, and it worked.", f"{second} laughed. \"Why did we not think of that?\" And so they did it.",
          f"Everybody was quiet for a moment. Then {second} said: \"The child is right.\"")
    s.say(f"Before it was dark, the {thing} was stronger than before.", f"When the first star came out, the {thing} was whole again.")
    s.say(f"{BY_JOB['baker'].full} brought warm bread, and they all ate together in the street.",
          "Somebody lit a fire, and they all ate soup together.", f"{d} sang a song, and the others sang along.")
    s.close(c, r.pick("A small head can hold a big idea", "What breaks in one night can be mended in one day", "Together we are stronger than a storm"))


def lost_animal(s):
    """A young animal is missing; tracks lead to where it is stuck; the right tool brings it home."""
    r, c = s.r, CHILDREN["Hugo"]
    animal, sound, mother = r.pick(("lamb", "a thin cry", "sheep"), ("duckling", "a soft peep", "duck"), ("calf", "a low call", "cow"),
                                   ("kitten", "a tiny meow", "cat"), ("foal", "a nervous neigh", "mare"))
    number = r.pick("three", "four", "five", "six")
    s.open_with(c)
    s.say(f"{c.He} was looking after the animals of {BY_JOB['shepherd'].full}." if animal == "lamb" else
          f"At home there were {number} animals to feed, and the youngest was a {animal}.",
          f"{c.His} work was to count the animals every evening.")
    s.say(f"That evening the {animal} was missing. The old {mother} called and called, but there was no answer.",
          f"But that evening the smallest {animal} did not come home, and the {mother} was very sad.")
    s.para()
    ground = r.pick("mud", "sand", "snow", "wet grass")
    s.say(f"{c} took a lamp and looked at the ground. There were small tracks in the {ground}.",
          f"{c} found small tracks in the {ground} and followed them.")
    way = r.pick("past the mill and over the little bridge", "along the river and through the reeds", "up the hill and into the wood")
    s.say(f"The tracks went {way}.", f"They led {c.him} {way}.")
    where, tool, how = r.pick(
        ("in a deep ditch", "rope", "let the rope down and pulled slowly"), ("between the thorns of a bush", "coat", "put {his} coat over the thorns and reached in"),
        ("on a stone in the middle of the stream", "board", "laid a board over the water and walked across it"),
        ("behind a fallen tree", "stick", "lifted the branch with a strong stick"))
    s.say(f"Then {c.he} heard {sound}. The {animal} was sitting {where} and could not get out.",
          f"Suddenly there was {sound}. {where[0].upper() + where[1:]} sat the {animal}, wet and afraid.")
    s.say(f"\"Do not be afraid,\" said {c}. \"I am here.\"", f"{c} spoke softly so that it would not be afraid.")
    s.say(f"{c.He} {how.format(his=c.his)}, and soon the {animal} was free.", f"{c} {how.format(his=c.his)}. It took a long time, but then the {animal} was free.")
    s.para()
    s.say(f"{c} carried the {animal} home in {c.his} arms." if animal not in ("calf", "foal") else f"{c} led the {animal} home, step by step.",)
    s.say(f"The old {mother} ran to the gate and did not leave its little one all night.",
          f"When the {mother} saw the {animal}, she was quiet at last.")
    name = r.pick("Button", "Thistle", "Pepper", "Willow", "Cloud", "Acorn")
    s.say(f"{c} named the {animal} {name}, because it was so small.", f"From then on the {animal} was called {name}, and it followed {c} everywhere.")
    s.close(c, r.pick("Who counts well loses nobody", "The smallest one needs the biggest lamp", "A quiet voice is the best rope"))


def new_skill(s):
    """A child fails at something, is laughed at, gets one piece of advice, practises, and shows it."""
    r, c, d = s.r, CHILDREN["Felix"], CHILDREN["Clara"]
    skill, fail, teacher, advice, shown = r.pick(
        ("whistle", "only air came out", "shepherd", "Do not blow hard. Think of a small round stone", "whistled so loudly that all the dogs came running"),
        ("row a boat", "the boat turned in a circle", "ferryman", "Look at one tree on the other side and not at your hands", "rowed across the river and back"),
        ("bake bread", "the bread was as hard as a brick", "baker", "Give it time. Bread does not like to be hurried", "baked twelve golden loaves"),
        ("knit", "the wool made a big knot", "weaver", "Hold it loosely, like a small bird", "gave everybody a pair of warm socks"),
        ("climb the rope", "{he} hung there like a wet shirt", "carpenter", "Use your feet first and then your hands", "climbed up and rang the bell"),
        ("play the flute", "it sounded like an angry goose", "beekeeper", "Breathe slowly and listen before you play", "played a song that made the old people dance"))
    g = BY_JOB[teacher]
    s.open_with(c)
    s.say(f"{c.He} wanted to learn to {skill}.", f"More than anything, {c} wanted to {skill}.")
    s.say(f"{c.He} tried once and twice, but {fail.format(he=c.he)}.", f"{c.He} tried all morning. Each time {fail.format(he=c.he)}.")
    s.say(f"{d} saw it and laughed. {c} became red and went away.", f"\"You will never learn to {skill},\" said {d}, and {c} was sad.")
    s.para()
    s.say(f"{c} went to {g.full}. \"How did you learn to {skill}?\" {c.he} asked.",
          f"{g.full} saw {c.him} sitting alone. \"What is wrong?\" {g.he} asked. \"I cannot {skill},\" said {c}.")
    s.say(f"\"{advice},\" said {g}.", f"{g} smiled. \"I could not do it either at first,\" {g.he} said. \"{advice}.\"")
    days = r.pick("three days", "a week", "ten days", "two weeks")
    s.say(f"{c} practiced for {days}, every morning and every evening.", f"For {days} {c} did nothing else.")
    s.say(f"On the last day it worked for the first time.", f"And one evening, when nobody was looking, it worked.")
    s.para()
    event = r.pick("At the harvest feast", "On market day", "At the spring feast", "On {} birthday".format(c.his))
    s.say(f"{event} {c} {shown}.",)
    s.say(f"{d} was very quiet. \"Can you teach me?\" {d.he} asked. \"Of course,\" said {c}.",
          f"{d} came to {c.him} and said: \"I am sorry that I laughed.\" And {c} said: \"Come, I will show you.\"")
    s.close(c, r.pick("Nobody can do it before they have done it badly", "A good word is half of the work", "Who practices in the morning can sing in the evening"))


def quarrel(s):
    """Two friends want the same thing, part in anger, miss each other, and find a way to share."""
    r, c, d = s.r, CHILDREN["Mina"], CHILDREN["Anna"]
    thing, share, after = r.pick(
        ("last pear", "cut it into two halves", "It was the sweetest pear of the year"),
        ("sled", "sat on it together", "With two people it went twice as fast"),
        ("swing", "took turns and counted to twenty", "The one who waited pushed the other"),
        ("small boat", "each took one oar", "With two oars it went straight at last"),
        ("drum", "played it from both sides", "It sounded like thunder"),
        ("big puddle", "jumped into it at the same time", "The water flew up to the roof"))
    s.say(f"{c} and {d} were friends. They did everything together.", f"{c} and {d} had been friends since they could walk.",
          f"Everybody in the village knew that {c} and {d} were best friends.")
    s.say(f"But one day they both wanted the {thing}.", f"One day they found the {thing}, and each of them wanted to have it.")
    s.say(f"\"I saw it first,\" said {c}. \"No, I did,\" said {d}.", f"\"It is mine,\" cried {c}. \"It is mine,\" cried {d}.")
    s.say(f"They shouted until the birds flew away. Then {d} went home, and {c} stayed alone with the {thing}.",
          f"In the end they were so angry that they walked away, one to the left and one to the right.")
    s.para()
    s.say(f"But alone it was no fun. {c} sat on the steps and looked at {c.his} shoes.",
          f"The afternoon was long. {c} missed {d}, and {d} missed {c}.")
    g = r.pick(GROWN)
    s.say(f"{g.full} came by. \"Where is {d}?\" {g.he} asked. {c} did not know what to say.",
          f"\"What is the matter?\" asked {g.full}. \"We had a quarrel,\" said {c}.")
    s.say(f"\"The {thing} will soon be forgotten,\" said {g}, \"but a friend can stay for a whole life.\"",
          f"\"When I was young, I lost a friend because of a hat,\" said {g}. \"I do not have the hat any more either.\"")
    s.para()
    s.say(f"{c} stood up and ran to the house of {d}. {d} was already at the door.",
          f"{c} went to look for {d.him}. In the middle of the street they met, because {d} had been looking too.")
    s.say("\"I am sorry,\" they said, both at the same time, and then they had to laugh.", f"\"You can have it,\" said {c}. \"No, you,\" said {d}. Then they laughed.")
    s.say(f"They went back to the {thing} and {share}. {after}.", f"So they {share}. {after}.")
    s.close(c, r.pick("Half of a thing and a whole friend is the better deal", "What you share with a friend becomes bigger", "Who says sorry first is the stronger one"))


def seed(s):
    """A seed without a name; weeks of care; a danger; and what it becomes."""
    r, c = s.r, CHILDREN["Ben"]
    g = BY_JOB["gardener"]
    plant, result = r.pick(("sunflower", "It was taller than the door"), ("pumpkin", "It was so big that two men had to carry it"),
                           ("bean", "It climbed up to the roof"), ("apple tree", "It was only a thin stick with two leaves, but it was alive"),
                           ("rose", "It was as red as the evening sky"))
    s.open_with(c)
    s.say(f"{g.full} gave {c.him} a little brown seed. \"What will it be?\" asked {c}. \"Wait and see,\" said {g}.",
          f"In the garden {g.full} put a seed into {c.his} hand. \"It does not look like much,\" {g.he} said, \"but wait.\"")
    s.para()
    s.say(f"{c} put the seed into the earth and gave it water every day.", f"{c} planted it behind the house, where the sun was warm.")
    s.say("For a week nothing happened. For two weeks nothing happened.", "The first week there was only earth. The second week there was only earth.")
    s.say(f"\"Maybe it is asleep,\" thought {c}.", f"{c} wanted to dig it up and look, but {c.he} did not.")
    s.say("Then, one morning, there was a small green tip.", "On the fifteenth day something green looked out of the ground.")
    danger, guard = r.pick(("a cold night", "put a glass jar over it"), ("a hungry snail", "made a ring of sharp sand around it"), ("a strong wind", "tied it to a stick with a piece of wool"),
                           ("a curious goat", "built a fence of twigs around it"))
    s.para()
    s.say(f"Soon there came {danger}. {c} {guard}.", f"One day {danger} came. {c} was worried and {guard}.")
    s.say("The little plant was safe and grew a bit every day.", "And so the plant grew, leaf after leaf.")
    s.say(f"After many weeks it was {a(plant)}. {result}.", f"At the end of the summer everybody could see that it was {a(plant)}. {result}.")
    s.say(f"{g} came to look at it and took off {g.his} hat.", f"\"You see,\" said {g}, \"you waited well.\"")
    s.close(c, r.pick("Small things need time and not hurry", "Water and patience can do a lot", "What you look after will look after you"))


def dark_way(s):
    """An errand at night, a light that goes out, a fright that turns out harmless, an arrival."""
    r, c = s.r, CHILDREN["Clara"]
    item = r.pick("a bottle of medicine", "a pot of soup", "a warm blanket", "a letter")
    s.open_with(c)
    s.say(f"In the evening {c.his} mother said: \"Please take {item} to grandmother. She lives on the other side of the wood.\"",
          f"Grandmother was ill, and somebody had to bring her {item}. \"I will go,\" said {c}.")
    s.say(f"{c} took the lamp and went. The wood was very dark.", f"It was already dark, so {c.he} took a lamp.")
    s.para()
    s.say("In the middle of the wood the wind blew, and the lamp went out.", f"Then the lamp went out, and {c} could not see {c.his} own hands.")
    s.say(f"{c.His} heart beat like a drum.", f"{c} stood still and did not dare to breathe.")
    eyes, animal, does = r.pick(("Two yellow eyes looked", "an owl", "turned its head and flew away"), ("Something moved", "a hedgehog", "made itself into a ball"),
                                ("Two green eyes shone", "the cat of the miller", "rubbed against {his} legs"), ("Something cracked", "a young deer", "looked at {him} and jumped away"))
    s.say(f"{eyes} in the bushes. But it was only {animal}. It {does.format(his=c.his, him=c.him)}.",
          f"\"Who is there?\" asked {c}. {eyes} in the dark, but it was only {animal}, and it {does.format(his=c.his, him=c.him)}.")
    help_, how = r.pick(("the moon", "It came out from behind a cloud and made the path white"), ("the sound of the river", "{He} knew that it ran past the house"),
                        ("the fireflies", "They hung over the path like small lamps"), ("a song", "With each verse the house came closer"))
    s.say(f"What helped was {help_}. {how.format(He=c.He)}.", f"Then {c} noticed {help_}. {how.format(He=c.He)}." if help_ != "a song" else f"Then {c} began to sing {help_}. {how.format(He=c.He)}.")
    s.para()
    s.say(f"At last there was a light. Grandmother stood at the door and put her arms around {c.him}.",
          f"Grandmother opened the door. \"You came through the dark wood alone?\" she asked.")
    s.say(f"\"Were you afraid?\" she asked. \"Yes,\" said {c}, \"but I went on.\"", f"\"I was not alone,\" said {c}. \"There was {animal}.\"")
    s.say(f"She took {item} and made hot tea, and they sat together until the morning came.", f"They sat by the fire, and {c} was allowed to stay for the night.")
    s.close(c, r.pick("To be brave is to be afraid and to go on", "The dark is only the day with its eyes closed", "Most monsters are hedgehogs"))


def newcomer(s):
    """A family moves in; their child is shy; an accident opens the door; a hidden talent."""
    r, c, d = s.r, CHILDREN["Nils"], CHILDREN["Rosa"]
    house = r.pick("the empty house by the river", "the old house with the blue door", "the house behind the mill")
    s.say(f"In spring a family moved into {house}.", f"One day there was smoke over {house}. A new family had come.",
          f"For years nobody had lived in {house}. Then a cart came with beds, chairs and a child.")
    s.say(f"Their child was named {d}. {d} was shy and never came out.", f"{d}, the new child, stood behind the window and looked at the others.")
    s.say(f"{c} waved, but {d} stepped back from the window.", f"\"{d.He} does not like us,\" said the other children. But {c} was not so sure.")
    s.para()
    s.say(f"One afternoon {c} was playing, and {c.his} ball flew over the fence.", f"One afternoon a strong wind carried the hat of {c} over the fence.")
    s.say(f"Behind the fence sat {d}. {d.He} picked it up and gave it back without a word.", f"{d} brought it back to the fence. They looked at each other.")
    talent, detail, use = r.pick(
        ("carve boats", "On the ground stood a whole row of small wooden boats", "They let the boats swim on the river, and all the children wanted to have one"),
        ("name the stars", "In {his} hand was a map of the sky", "In the evening {he} showed everybody the bear, the swan and the crown"),
        ("draw animals", "Next to {him} lay a picture of a horse that looked alive", "Soon there was a picture of every dog in the village"),
        ("walk on stilts", "Against the wall leaned two long stilts", "By the end of the week half of the village walked on stilts"),
        ("speak to horses", "A big horse stood behind {him} with its head on {his} shoulder", "Even the wild horse of the smith let itself be led"))
    s.say(f"{detail.format(his=d.his, him=d.him)}. \"Did you learn that here?\" asked {c}. \"No,\" said {d}, \"my grandfather taught me to {talent}.\"",
          f"Then {c} saw something. {detail.format(his=d.his, him=d.him)}. \"You can {talent}!\" said {c}.")
    s.say(f"\"Can you show me?\" asked {c}. For the first time, {d} smiled.", f"{d} became red. \"I can show you,\" {d.he} said softly.")
    s.para()
    s.say(f"From then on {d} came out every day. {use.format(he=d.he)}.", f"The next day {c} brought the other children. {use.format(he=d.he)}.")
    s.say(f"\"Why did you never come out?\" asked {c}. \"Nobody had asked me,\" said {d}.", f"\"I thought you did not want me,\" said {d}. \"And we thought you did not want us,\" said {c}.")
    s.close(c, r.pick("A fence is only as high as you let it be", "Who is quiet may have the most to tell", "Sometimes a friend lives behind the next window"))


def strange_noise(s):
    """Something knocks at night; two children go and look; there is a reason, and it needs help."""
    r, c, d = s.r, CHILDREN["Anna"], CHILDREN["Hugo"]
    place, g = r.pick(("mill", BY_JOB["miller"]), ("forge", BY_JOB["smith"]), ("bakery", BY_JOB["baker"]), ("workshop", BY_JOB["carpenter"]))
    noise = r.pick("knocking", "scratching", "humming", "tapping")
    s.say(f"For three nights there was a strange {noise} in the {place}.", f"At midnight something began to make a {noise} noise in the {place}.")
    s.say(f"{g.full} could not sleep any more. \"There must be a ghost,\" {g.he} said.", f"\"It is a ghost,\" the people said, and {g.full} was afraid to go to work.")
    s.say(f"{c} did not believe in ghosts. \"Let us go and look,\" {c.he} said to {d}.", f"\"There are no ghosts,\" said {c}. \"I am not sure,\" said {d}, but {d.he} came along.")
    s.para()
    s.say(f"At night they hid behind the flour sacks and waited." if place in ("mill", "bakery") else "At night they hid behind a pile of wood and waited.",)
    s.say(f"The clock struck eleven. The clock struck twelve. Then they heard it: the {noise}.", f"It was cold and still. Then the {noise} began, very close to them.")
    s.say(f"{d} took the hand of {c}.", f"{d} wanted to run, but {c} held up the lamp.")
    cause, need = r.pick(("a young owl that could not find the window", "{c} opened the window, and it flew out into the night"),
                         ("an old cat with five kittens in a box", "{d} fetched some milk, and the kittens drank and fell asleep"),
                         ("a loose shutter that moved in the wind", "{c} tied it with a string, and it was quiet at once"),
                         ("a family of mice that rolled nuts over the floor", "{d} put the nuts into the garden, and the mice moved out"),
                         ("a swarm of bees in the wall", "in the morning Lotte the beekeeper brought them to a new hive"))
    s.say(f"And what did they see? It was only {cause}.", f"There was no ghost. There was {cause}.")
    s.say(f"{need.format(c=c.name, d=d.name)}.".replace("in the morning Lotte", "In the morning Lotte"))
    s.para()
    s.say(f"The next day {g} laughed about it. \"I am big and strong,\" {g.he} said, \"and two children had to show me that there are no ghosts.\"",
          f"{g} could sleep again and gave each of them {r.pick('a warm roll', 'a silver coin', 'a jar of jam')}.")
    s.close(c, r.pick("Who lights a lamp sees fewer ghosts", "Go and look before you are afraid", "Every noise has a small reason"))


PLOTS = [lost_thing, missing_ingredient, storm, lost_animal, new_skill, quarrel, seed, dark_way, newcomer, strange_noise]


def story(seed_value):
    s = Story(seed_value)
    s.r.below(2)  # the first output of neighbouring seeds is correlated
    s.r.below(2)
    s.r.pick(PLOTS)(s)
    return s.text()


def stories(seed_value, count):
    return [story(seed_value * 1_000_003 + i) for i in range(count)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stories", type=int, default=6000)
    args = parser.parse_args()
    sys.stdout.write("\n\n".join(stories(args.seed, args.stories)) + "\n")
