package io.commslib.http.server;

import io.commslib.core.checks.Checks;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A method and a path whose segments are texts or variables. Immutable. */
final class PathTemplate {

  private static final Pattern WHOLE =
      Pattern.compile("(GET|POST|PUT|PATCH|DELETE) (/|(?:/[^/\\s]+)+)");
  private static final Pattern VARIABLE = Pattern.compile("\\{([A-Za-z][A-Za-z0-9_]{0,63})}");
  private static final Pattern LITERAL =
      Pattern.compile("(?!\\.{1,2}$)[A-Za-z0-9._~!$&'()*+,;=:@-]+");
  private static final int MAX_CHARS = 256;

  /** A text, or a variable if its name is not null. */
  record Segment(String literal, @Nullable String variable) {
    boolean isVariable() {
      return variable != null;
    }
  }

  private final String text;
  private final String method;
  private final String path;
  private final List<Segment> segments;

  private PathTemplate(String text, String method, String path, List<Segment> segments) {
    this.text = text;
    this.method = method;
    this.path = path;
    this.segments = List.copyOf(segments);
  }

  static PathTemplate of(String text) {
    Matcher whole = WHOLE.matcher(text);
    Checks.check(
        whole.matches() && text.length() <= MAX_CHARS,
        "route",
        Checks.shorten(text),
        "GET, POST, PUT, PATCH or DELETE, one space, and a path without a slash at its end");
    List<Segment> segments = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (String part : whole.group(2).substring(1).split("/", -1)) {
      Matcher variable = VARIABLE.matcher(part);
      if (variable.matches()) {
        String name = variable.group(1);
        Checks.check(names.add(name), "route", text, "each variable once");
        segments.add(new Segment("", name));
      } else {
        Checks.check(
            part.isEmpty() || LITERAL.matcher(part).matches(),
            "route",
            text,
            "segments that are {variables} or texts without percent signs, braces and dots alone");
        segments.add(new Segment(part, null));
      }
    }
    return new PathTemplate(text, whole.group(1), whole.group(2), segments);
  }

  String method() {
    return method;
  }

  List<Segment> segments() {
    return segments;
  }

  boolean isBelow(String prefix) {
    return path.equals(prefix) || path.startsWith(prefix + "/");
  }

  /**
   * Whether a path matches both templates and none of them is the more special one: each has a text
   * where the other one has a variable, or they differ in the names of variables only.
   */
  boolean isAmbiguousWith(PathTemplate other) {
    if (!method.equals(other.method) || segments.size() != other.segments.size()) {
      return false;
    }
    boolean ours = false;
    boolean theirs = false;
    for (int i = 0; i < segments.size(); i++) {
      Segment a = segments.get(i);
      Segment b = other.segments.get(i);
      if (!a.isVariable() && !b.isVariable() && !a.literal().equals(b.literal())) {
        return false;
      }
      ours |= !a.isVariable() && b.isVariable();
      theirs |= a.isVariable() && !b.isVariable();
    }
    return ours == theirs;
  }

  @Override
  public String toString() {
    return text;
  }
}
