package io.commslib.examples.docs;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Code in the pages of the documentation. */
final class DocPages {

  private DocPages() {}

  /** Returns the contents of the blocks in one language, in the order of the page. */
  static List<String> blocks(String page, String language) throws IOException {
    return Pattern.compile("```" + language + "\\n(.*?)```", Pattern.DOTALL)
        .matcher(Files.readString(LibrarySchemas.ROOT.resolve(page)))
        .results()
        .map((MatchResult found) -> found.group(1))
        .toList();
  }
}
