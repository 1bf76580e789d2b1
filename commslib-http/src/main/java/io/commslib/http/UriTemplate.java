package io.commslib.http;

import io.commslib.core.checks.Checks;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A path, and perhaps a query, with variables: {@code /orders/{id}?currency={currency}}. A value
 * fills its place and never changes the structure: everything but the unreserved characters of RFC
 * 3986 is encoded, a slash too.
 */
final class UriTemplate {

  private static final int MAX_VALUE_CHARS = 2_000;
  private static final int MAX_URI_CHARS = 8_000;
  private static final String UNRESERVED =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  private static final String HEX = "0123456789ABCDEF";

  private final String text;

  /** The fixed parts; one more than there are variables. */
  private final List<String> parts = new ArrayList<>();

  private final List<String> variables = new ArrayList<>();
  private final int pathVariables;

  private UriTemplate(String text) {
    this.text = text;
    int at = 0;
    int ofPath = 0;
    while (true) {
      int open = text.indexOf('{', at);
      if (open < 0) {
        parts.add(fixed(text.substring(at)));
        break;
      }
      int close = text.indexOf('}', open);
      check(close > open + 1);
      String name = text.substring(open + 1, close);
      check(name.chars().allMatch(c -> UNRESERVED.indexOf(c) >= 0) && !variables.contains(name));
      parts.add(fixed(text.substring(at, open)));
      variables.add(name);
      if (text.lastIndexOf('?', open) < 0) {
        ofPath++;
      }
      at = close + 1;
    }
    this.pathVariables = ofPath;
  }

  /**
   * Parses a template.
   *
   * @throws IllegalArgumentException if it does not begin with a slash or breaks a rule
   */
  static UriTemplate parse(String text) {
    Checks.text("template", text, 1, MAX_VALUE_CHARS);
    UriTemplate template = new UriTemplate(text);
    template.check(text.startsWith("/") && !text.startsWith("//"));
    return template;
  }

  private String fixed(String part) {
    // A fragment is not sent, and its values would be lost.
    check(part.indexOf('}') < 0 && part.indexOf('#') < 0);
    try {
      var unused = URI.create("http://host/" + part);
    } catch (IllegalArgumentException e) {
      check(false);
    }
    return part;
  }

  private void check(boolean valid) {
    Checks.check(
        valid, "template", text, "/path/{variable}?name={variable}, each variable once, encoded");
  }

  /** The names of the variables, in order. */
  List<String> variables() {
    return variables;
  }

  /**
   * Returns path and query with the values in the places of the variables.
   *
   * @throws IllegalArgumentException if the number of values is another one, or a value breaks its
   *     rule; the text of a value is not shown
   */
  String expand(Object... values) {
    Checks.check(
        values.length == variables.size(),
        "values of " + text,
        values.length,
        Integer.toString(variables.size()));
    StringBuilder path = new StringBuilder(parts.get(0));
    for (int i = 0; i < values.length; i++) {
      String name = variables.get(i);
      String value = String.valueOf(Objects.requireNonNull(values[i], name));
      Checks.check(
          value.length() <= MAX_VALUE_CHARS, name, value.length() + " characters", "up to 2000");
      if (i < pathVariables) {
        // Servers and proxies resolve dots and merge slashes, which would call another operation.
        Checks.check(!value.isEmpty(), name, "empty", "1 character or more in a path");
        Checks.check(
            !value.equals(".") && !value.equals(".."), name, value, "neither . nor .. in a path");
      }
      encode(value, path);
      path.append(parts.get(i + 1));
    }
    Checks.check(
        path.length() <= MAX_URI_CHARS,
        "uri of " + text,
        path.length() + " characters",
        "up to 8000");
    return path.toString();
  }

  private static void encode(String value, StringBuilder to) {
    for (byte b : value.getBytes(StandardCharsets.UTF_8)) {
      if (b > 0 && UNRESERVED.indexOf(b) >= 0) {
        to.append((char) b);
      } else {
        to.append('%').append(HEX.charAt((b >> 4) & 15)).append(HEX.charAt(b & 15));
      }
    }
  }

  @Override
  public String toString() {
    return text;
  }
}
