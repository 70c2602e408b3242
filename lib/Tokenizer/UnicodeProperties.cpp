//===- UnicodeProperties.cpp - sets of code points by name ---------------===//
//
// Names: PropertyAliases.txt and PropertyValueAliases.txt of the Unicode
// Character Database. Properties that DerivedCoreProperties.txt defines as sums
// of others are computed as its comments say.
//
//===----------------------------------------------------------------------===//

#include "UnicodeProperties.h"

#include "UnicodeTables.h"

#include <string>

using namespace tenon;

static std::string plainName(std::string_view name) {
  std::string out;
  for (char c : name)
    if (c != ' ' && c != '_' && c != '-')
      out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

static CodePointSet categories(std::initializer_list<std::string_view> names) {
  CodePointSet set;
  for (std::string_view name : names)
    set = set | *categorySet(name);
  return set;
}

static CodePointSet property(std::string_view name) {
  return *propertySet(name);
}

static CodePointSet surrogates() { return {0xd800, 0xdfff}; }
static CodePointSet lowercase() {
  return categories({"Ll"}) | property("Other_Lowercase");
}
static CodePointSet uppercase() {
  return categories({"Lu"}) | property("Other_Uppercase");
}
static CodePointSet alphabetic() {
  return lowercase() | uppercase() | categories({"Lt", "Lm", "Lo", "Nl"}) |
         property("Other_Alphabetic");
}
static CodePointSet graphemeExtend() {
  return categories({"Me", "Mn"}) | property("Other_Grapheme_Extend");
}
static CodePointSet idStart() {
  return (categories({"L", "Nl"}) | property("Other_ID_Start")) -
         property("Pattern_Syntax") - property("Pattern_White_Space");
}
static CodePointSet defaultIgnorable() {
  CodePointSet not_ =
      property("White_Space") | property("Prepended_Concatenation_Mark");
  not_.add(0xfff9, 0xfffb);
  not_.add(0x13430, 0x13440);
  return (property("Other_Default_Ignorable_Code_Point") | categories({"Cf"}) |
          property("Variation_Selector")) -
         not_;
}

CodePointSet tenon::wordCharacters() {
  return alphabetic() | categories({"M", "Nd", "Pc"});
}
CodePointSet tenon::whiteSpace() { return property("White_Space"); }
CodePointSet tenon::decimalDigits() { return categories({"Nd"}); }
CodePointSet tenon::hexadecimalDigits() { return property("ASCII_Hex_Digit"); }

namespace {
struct Alias {
  std::string_view plain, name;
};
struct Derived {
  std::string_view plain;
  CodePointSet (*make)();
};
} // namespace

// Long names of general categories, without their underscores.
static constexpr Alias kCategoryAliases[] = {
    {"other", "C"},
    {"control", "Cc"},
    {"format", "Cf"},
    {"unassigned", "Cn"},
    {"privateuse", "Co"},
    {"surrogate", "Cs"},
    {"letter", "L"},
    {"lowercaseletter", "Ll"},
    {"modifierletter", "Lm"},
    {"otherletter", "Lo"},
    {"titlecaseletter", "Lt"},
    {"uppercaseletter", "Lu"},
    {"mark", "M"},
    {"combiningmark", "M"},
    {"spacingmark", "Mc"},
    {"enclosingmark", "Me"},
    {"nonspacingmark", "Mn"},
    {"number", "N"},
    {"decimalnumber", "Nd"},
    {"digit", "Nd"},
    {"letternumber", "Nl"},
    {"othernumber", "No"},
    {"punctuation", "P"},
    {"punct", "P"},
    {"connectorpunctuation", "Pc"},
    {"dashpunctuation", "Pd"},
    {"closepunctuation", "Pe"},
    {"finalpunctuation", "Pf"},
    {"initialpunctuation", "Pi"},
    {"otherpunctuation", "Po"},
    {"openpunctuation", "Ps"},
    {"symbol", "S"},
    {"currencysymbol", "Sc"},
    {"modifiersymbol", "Sk"},
    {"mathsymbol", "Sm"},
    {"othersymbol", "So"},
    {"separator", "Z"},
    {"lineseparator", "Zl"},
    {"paragraphseparator", "Zp"},
    {"spaceseparator", "Zs"},
};

// Short names of binary properties.
static constexpr Alias kPropertyAliases[] = {
    {"ahex", "ASCII_Hex_Digit"},
    {"ci", "Case_Ignorable"},
    {"cwcf", "Changes_When_Casefolded"},
    {"cwl", "Changes_When_Lowercased"},
    {"cwt", "Changes_When_Titlecased"},
    {"cwu", "Changes_When_Uppercased"},
    {"dep", "Deprecated"},
    {"dia", "Diacritic"},
    {"ecomp", "Emoji_Component"},
    {"emod", "Emoji_Modifier"},
    {"ebase", "Emoji_Modifier_Base"},
    {"epres", "Emoji_Presentation"},
    {"extpict", "Extended_Pictographic"},
    {"ext", "Extender"},
    {"grlink", "Grapheme_Link"},
    {"hex", "Hex_Digit"},
    {"idsb", "IDS_Binary_Operator"},
    {"idst", "IDS_Trinary_Operator"},
    {"idsu", "IDS_Unary_Operator"},
    {"ideo", "Ideographic"},
    {"joinc", "Join_Control"},
    {"loe", "Logical_Order_Exception"},
    {"nchar", "Noncharacter_Code_Point"},
    {"oalpha", "Other_Alphabetic"},
    {"odi", "Other_Default_Ignorable_Code_Point"},
    {"ogrext", "Other_Grapheme_Extend"},
    {"oidc", "Other_ID_Continue"},
    {"oids", "Other_ID_Start"},
    {"olower", "Other_Lowercase"},
    {"omath", "Other_Math"},
    {"oupper", "Other_Uppercase"},
    {"patsyn", "Pattern_Syntax"},
    {"patws", "Pattern_White_Space"},
    {"pcm", "Prepended_Concatenation_Mark"},
    {"qmark", "Quotation_Mark"},
    {"ri", "Regional_Indicator"},
    {"sd", "Soft_Dotted"},
    {"sterm", "Sentence_Terminal"},
    {"term", "Terminal_Punctuation"},
    {"uideo", "Unified_Ideograph"},
    {"vs", "Variation_Selector"},
    {"wspace", "White_Space"},
    {"space", "White_Space"},
    {"xidc", "XID_Continue"},
    {"xids", "XID_Start"},
};

static CodePointSet latinWords() {
  // As Oniguruma's table of Latin-1 has it: superscripts and fractions too.
  CodePointSet set = wordCharacters();
  set.add(0xb2, 0xb3);
  set.add(0xb9, 0xb9);
  set.add(0xbc, 0xbe);
  return set;
}
static CodePointSet math() {
  return categories({"Sm"}) | property("Other_Math");
}
static CodePointSet cased() {
  return lowercase() | uppercase() | categories({"Lt"});
}
static CodePointSet changesWhenCasemapped() {
  return property("Changes_When_Lowercased") |
         property("Changes_When_Uppercased") |
         property("Changes_When_Titlecased");
}
static CodePointSet graphemeBase() {
  return (categories({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}) |
          graphemeExtend())
      .complement();
}
static CodePointSet idContinue() {
  return (idStart() | categories({"Mn", "Mc", "Nd", "Pc"}) |
          property("Other_ID_Continue")) -
         property("Pattern_Syntax") - property("Pattern_White_Space");
}
static CodePointSet bidiControl() {
  CodePointSet set(0x61c, 0x61c);
  set.add(0x200e, 0x200f);
  set.add(0x202a, 0x202e);
  set.add(0x2066, 0x2069);
  return set;
}
static CodePointSet alphanumeric() { return alphabetic() | decimalDigits(); }
static CodePointSet blank() {
  return categories({"Zs"}) | CodePointSet('\t', '\t');
}
static CodePointSet graph() {
  return (whiteSpace() | categories({"Cc", "Cn", "Cs"})).complement();
}
static CodePointSet print() { return graph() | categories({"Zs"}); }

static constexpr Derived kDerived[] = {
    {"any", [] { return CodePointSet::all(); }},
    {"assigned", [] { return categorySet("Cn")->complement(); }},
    {"ascii", [] { return CodePointSet(0, 0x7f); }},
    {"newline", [] { return CodePointSet('\n', '\n'); }},
    {"alphabetic", alphabetic},
    {"alpha", alphabetic},
    {"lowercase", lowercase},
    {"lower", lowercase},
    {"uppercase", uppercase},
    {"upper", uppercase},
    {"math", math},
    {"cased", cased},
    {"changeswhencasemapped", changesWhenCasemapped},
    {"cwcm", changesWhenCasemapped},
    {"defaultignorablecodepoint", defaultIgnorable},
    {"di", defaultIgnorable},
    {"graphemeextend", graphemeExtend},
    {"grext", graphemeExtend},
    {"graphemebase", graphemeBase},
    {"grbase", graphemeBase},
    {"idstart", idStart},
    {"ids", idStart},
    {"idcontinue", idContinue},
    {"idc", idContinue},
    {"bidicontrol", bidiControl},
    {"bidic", bidiControl},
    {"lc",
     [] {
       return categories({"Lu", "Ll", "Lt"});
     }},
    {"casedletter",
     [] {
       return categories({"Lu", "Ll", "Lt"});
     }},
    {"alnum", alphanumeric},
    {"blank", blank},
    {"cntrl", [] { return categories({"Cc"}); }},
    {"graph", graph},
    {"print", print},
    {"xdigit", hexadecimalDigits},
    {"word", latinWords},
};

static std::optional<CodePointSet> findScript(std::string_view plain) {
  // Zzzz, "Unknown", is what no script has.
  for (size_t i = 0; i < scriptNames().size(); ++i)
    if (plainName(scriptNames()[i]) == plain ||
        plainName(scriptShortNames()[i]) == plain)
      return scriptSet(i);
  if (plain == "qaac")
    return findScript("coptic");
  if (plain == "qaai")
    return findScript("inherited");
  return std::nullopt;
}

static std::optional<CodePointSet> findBlock(std::string_view plain) {
  CodePointSet none = CodePointSet::all();
  for (size_t i = 0; i < blockNames().size(); ++i) {
    if (plainName(blockNames()[i]) == plain)
      return blockSet(i);
    none = none - blockSet(i);
  }
  if (plain == "noblock")
    return none;
  return std::nullopt;
}

std::optional<CodePointSet> tenon::unicodeProperty(std::string_view name) {
  std::string plain = plainName(name);
  if (plain.empty())
    return std::nullopt;
  if (plain == "cs" || plain == "surrogate")
    return surrogates();
  if (plain.size() <= 2) {
    std::string category = plain;
    category[0] = static_cast<char>(category[0] - 32);
    if (auto set = categorySet(category))
      return set;
  }
  for (const Alias &alias : kCategoryAliases)
    if (alias.plain == plain)
      return categorySet(alias.name);
  for (const Derived &derived : kDerived)
    if (derived.plain == plain)
      return derived.make();
  for (const Alias &alias : kPropertyAliases)
    if (alias.plain == plain)
      return propertySet(alias.name);
  for (std::string_view known : propertyNames())
    if (known != "Full_Composition_Exclusion" && plainName(known) == plain)
      return propertySet(known);
  if (plain.starts_with("in"))
    if (auto set = findBlock(std::string_view(plain).substr(2)))
      return set;
  return findScript(plain);
}

std::optional<CodePointSet> tenon::posixBracket(std::string_view name) {
  if (name == "punct")
    return categories({"P", "S"});
  if (name == "word")
    return wordCharacters();
  for (std::string_view known :
       {"alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print",
        "space", "upper", "xdigit", "ascii"})
    if (name == known)
      return unicodeProperty(name);
  return std::nullopt;
}
