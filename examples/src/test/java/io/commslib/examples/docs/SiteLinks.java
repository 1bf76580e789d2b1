package io.commslib.examples.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Follows every link and anchor of a folder of HTML pages, without those to other hosts. Needs
 * nothing but the JDK, so that {@code docs/javadoc} runs it from its source.
 */
final class SiteLinks {

  private static final Pattern LINK = Pattern.compile("(?:href|src)=\"([^\"]*)\"");
  private static final Pattern ANCHOR = Pattern.compile("(?:id|name)=\"([^\"]*)\"");

  private SiteLinks() {}

  public static void main(String[] arguments) throws IOException {
    List<String> broken = broken(Path.of(arguments[0]));
    broken.forEach(System.err::println);
    if (!broken.isEmpty()) {
      System.err.println(broken.size() + " broken links");
      System.exit(1);
    }
  }

  /** Returns the broken links of all pages in a folder, each after its page. */
  static List<String> broken(Path site) throws IOException {
    List<String> broken = new ArrayList<>();
    Map<Path, Set<String>> anchors = new HashMap<>();
    List<Path> pages;
    try (Stream<Path> all = Files.walk(site)) {
      pages = all.filter(file -> file.toString().endsWith(".html")).sorted().toList();
    }
    for (Path page : pages) {
      LINK.matcher(Files.readString(page))
          .results()
          .map(found -> unescape(found.group(1)))
          .distinct()
          .filter(link -> !leadsSomewhere(page, link, anchors))
          .forEach(link -> broken.add(site.relativize(page) + ": " + link));
    }
    return broken;
  }

  private static boolean leadsSomewhere(Path page, String link, Map<Path, Set<String>> anchors) {
    if (link.isEmpty() || link.equals("#") || link.matches("[a-z]+:.*")) {
      return true;
    }
    int hash = link.indexOf('#');
    String file = hash < 0 ? link : link.substring(0, hash);
    Path target = file.isEmpty() ? page : page.resolveSibling(file).normalize();
    if (!Files.exists(target)) {
      return false;
    }
    return hash < 0
        || !target.toString().endsWith(".html")
        || anchors.computeIfAbsent(target, SiteLinks::anchors).contains(link.substring(hash + 1));
  }

  private static Set<String> anchors(Path page) {
    try {
      Set<String> anchors = new HashSet<>();
      ANCHOR
          .matcher(Files.readString(page))
          .results()
          .forEach(found -> anchors.add(unescape(found.group(1))));
      return anchors;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String unescape(String text) {
    return text.replace("%3C", "<")
        .replace("%3E", ">")
        .replace("%5B", "[")
        .replace("%5D", "]")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
  }
}
