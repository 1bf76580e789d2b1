package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Follows every link and anchor of the README, the docs and the other pages, and every link of
 * Javadoc to a file. Links between types are checked by javac's doclint, those of the site by
 * {@code docs/javadoc}. Addresses of other hosts are not followed: tests stay on loopback.
 */
class LinksTest {

  private static final Pattern LINK =
      Pattern.compile("!?\\[[^\\]]*]\\(([^)\\s]+)(?:\\s+\"[^\"]*\")?\\)");
  private static final Pattern REFERENCE = Pattern.compile("(?m)^\\[[^\\]]+]:\\s+(\\S+)");
  private static final Pattern HREF = Pattern.compile("(?:href|src)=\"([^\"]+)\"");
  private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6}\\s+(.*?)\\s*$");
  private static final Pattern FENCE = Pattern.compile("(?ms)^```.*?^```");

  @TempDir private Path folder;

  @Test
  void everyLinkOfTheProjectLeadsSomewhere() throws IOException {
    assertThat(broken(LibrarySchemas.ROOT)).isEmpty();
  }

  @Test
  void brokenLinksAreFound() throws IOException {
    Files.writeString(
        folder.resolve("a.md"),
        """
        # One `two` (three)
        [good](a.md), [anchor](#one-two-three), [both](b.md#again-1), [far](https://example.org)
        [no file](c.md) [no anchor](b.md#never) [none here](#four)

        [ref]: d.md
        ```
        [code](e.md)
        ```
        """);
    Files.writeString(folder.resolve("b.md"), "# Again\n# Again\n");
    assertThat(broken(folder))
        .containsExactly("a.md: c.md", "a.md: b.md#never", "a.md: #four", "a.md: d.md");
  }

  @Test
  void brokenLinksOfTheSiteAreFound() throws IOException {
    Files.writeString(
        folder.resolve("a.html"),
        """
        <a id="here" href="b.html#there">good</a> <a href="#here">good</a>
        <a href="c.html">no file</a> <a href="b.html#nowhere">no anchor</a>
        <a href="https://example.org">far</a>
        """);
    Files.writeString(folder.resolve("b.html"), "<p id=\"there\">text</p>");
    assertThat(SiteLinks.broken(folder))
        .containsExactly("a.html: c.html", "a.html: b.html#nowhere");
  }

  private static List<String> broken(Path root) throws IOException {
    List<String> broken = new ArrayList<>();
    Map<Path, Set<String>> anchors = new HashMap<>();
    for (Path page : pages(root)) {
      boolean java = page.toString().endsWith(".java");
      String text = Files.readString(page);
      for (String link : java ? links(text, HREF) : linksOfPage(text)) {
        if (!leadsSomewhere(page, link, anchors)) {
          broken.add(root.relativize(page) + ": " + link);
        }
      }
    }
    return broken;
  }

  private static List<String> linksOfPage(String text) {
    String prose = FENCE.matcher(text).replaceAll("");
    List<String> links = links(prose, LINK);
    links.addAll(links(prose, REFERENCE));
    links.addAll(links(prose, HREF));
    return links;
  }

  private static boolean leadsSomewhere(Path page, String link, Map<Path, Set<String>> anchors)
      throws IOException {
    if (link.matches("[a-z]+:.*") || link.contains("{@docRoot}")) {
      return true;
    }
    int hash = link.indexOf('#');
    String file = hash < 0 ? link : link.substring(0, hash);
    Path target = file.isEmpty() ? page : page.resolveSibling(file).normalize();
    if (!Files.exists(target)) {
      return false;
    }
    if (hash < 0 || !target.toString().endsWith(".md")) {
      return true;
    }
    if (!anchors.containsKey(target)) {
      anchors.put(target, anchors(Files.readString(target)));
    }
    return anchors.get(target).contains(link.substring(hash + 1));
  }

  /** Returns the anchors of a page's headings as GitHub makes them. */
  private static Set<String> anchors(String text) {
    Set<String> anchors = new HashSet<>();
    Map<String, Integer> seen = new HashMap<>();
    Matcher heading = HEADING.matcher(FENCE.matcher(text).replaceAll(""));
    while (heading.find()) {
      String anchor =
          heading
              .group(1)
              .replaceAll("\\[([^\\]]*)]\\([^)]*\\)", "$1")
              .toLowerCase(Locale.ROOT)
              .replaceAll("[^\\p{L}\\p{N} _-]", "")
              .replace(' ', '-');
      int count = seen.merge(anchor, 1, Integer::sum);
      anchors.add(count == 1 ? anchor : anchor + "-" + (count - 1));
    }
    return anchors;
  }

  private static List<String> links(String text, Pattern pattern) {
    List<String> links = new ArrayList<>();
    Matcher link = pattern.matcher(text);
    while (link.find()) {
      links.add(link.group(1));
    }
    return links;
  }

  /** Returns the pages of a project, and its Java files for the links in their Javadoc. */
  private static List<Path> pages(Path root) throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      return all.filter(
              file -> {
                String name = root.relativize(file).toString();
                return !name.startsWith(".")
                    && !name.startsWith("target/")
                    && !name.contains("/target/")
                    && !name.contains("/node_modules/")
                    && (name.endsWith(".md")
                        || name.endsWith(".java") && name.contains("src/main/"));
              })
          .sorted()
          .toList();
    }
  }
}
