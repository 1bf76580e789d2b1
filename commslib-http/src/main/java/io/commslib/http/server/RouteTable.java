package io.commslib.http.server;

import io.commslib.core.checks.Checks;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Finds the route of a request. A text of a template goes before a variable. Immutable. */
final class RouteTable {

  /** The end or the middle of templates. */
  private static final class Node {
    final Map<String, Node> literals = new HashMap<>();
    final Map<String, Route> routes = new TreeMap<>();
    @Nullable Node variable;
  }

  /** A route with the values of its variables. */
  record Match(Route route, Map<String, String> variables) {

    /** Shows no value of the request. */
    @Override
    public String toString() {
      return "Match{" + route.template() + "}";
    }
  }

  private final Node root = new Node();

  RouteTable(List<Route> routes) {
    List<PathTemplate> known = new ArrayList<>();
    for (Route route : routes) {
      PathTemplate template = route.template();
      for (PathTemplate other : known) {
        Checks.check(
            !template.isAmbiguousWith(other),
            "route",
            template,
            "no path that also matches " + other);
      }
      known.add(template);
      node(template).routes.put(template.method(), route);
    }
  }

  private Node node(PathTemplate template) {
    Node node = root;
    for (PathTemplate.Segment segment : template.segments()) {
      if (segment.isVariable()) {
        Node next = node.variable == null ? new Node() : node.variable;
        node.variable = next;
        node = next;
      } else {
        node = node.literals.computeIfAbsent(segment.literal(), literal -> new Node());
      }
    }
    return node;
  }

  /**
   * Finds the route.
   *
   * @throws ProblemException 400 for a malformed path, 404 without a route for the path, 405
   *     without one for the method
   */
  Match find(String method, String rawPath) {
    List<String> segments = segments(rawPath);
    Route route = find(root, segments, 0, method.equals("HEAD") ? "GET" : method);
    if (route != null) {
      return new Match(route, variables(route, segments));
    }
    Set<String> allowed = new TreeSet<>();
    collect(root, segments, 0, allowed);
    if (allowed.isEmpty()) {
      throw new ProblemException(ServerProblems.noRoute());
    }
    Set<String> all = withAnswered(allowed);
    throw new ProblemException(
        ServerProblems.wrongMethod(all), Map.of("Allow", List.of(String.join(", ", all))));
  }

  /** The methods of a path, or an empty set. */
  Set<String> allowed(String rawPath) {
    Set<String> allowed = new TreeSet<>();
    collect(root, segments(rawPath), 0, allowed);
    return withAnswered(allowed);
  }

  private static Set<String> withAnswered(Set<String> methods) {
    Set<String> all = new TreeSet<>(methods);
    if (all.contains("GET")) {
      all.add("HEAD");
    }
    if (!all.isEmpty()) {
      all.add("OPTIONS");
    }
    return all;
  }

  private static @Nullable Route find(Node node, List<String> segments, int at, String method) {
    if (at == segments.size()) {
      return node.routes.get(method);
    }
    Node literal = node.literals.get(segments.get(at));
    Route found = literal == null ? null : find(literal, segments, at + 1, method);
    // An empty segment is no value.
    if (found == null && node.variable != null && !segments.get(at).isEmpty()) {
      found = find(node.variable, segments, at + 1, method);
    }
    return found;
  }

  /** Adds the methods of all templates that match the path. */
  private static void collect(Node node, List<String> segments, int at, Set<String> methods) {
    if (at == segments.size()) {
      methods.addAll(node.routes.keySet());
      return;
    }
    Node literal = node.literals.get(segments.get(at));
    if (literal != null) {
      collect(literal, segments, at + 1, methods);
    }
    if (node.variable != null && !segments.get(at).isEmpty()) {
      collect(node.variable, segments, at + 1, methods);
    }
  }

  /** The decoded segments. The path is divided first, so that an encoded slash divides nothing. */
  private static List<String> segments(String rawPath) {
    if (!rawPath.startsWith("/")) {
      throw new ProblemException(ServerProblems.noRoute());
    }
    List<String> segments = new ArrayList<>();
    for (int begin = 1; begin <= rawPath.length(); ) {
      int slash = rawPath.indexOf('/', begin);
      int end = slash < 0 ? rawPath.length() : slash;
      String decoded = PercentCoding.decode(rawPath.substring(begin, end), false);
      begin = end + 1;
      // A handler that uses a value in another path must not be led out of it.
      if (decoded == null || decoded.equals(".") || decoded.equals("..")) {
        throw new ProblemException(ServerProblems.malformedPath());
      }
      segments.add(decoded);
    }
    return segments;
  }

  private static Map<String, String> variables(Route route, List<String> segments) {
    Map<String, String> variables = new HashMap<>();
    List<PathTemplate.Segment> templates = route.template().segments();
    for (int i = 0; i < segments.size(); i++) {
      String name = templates.get(i).variable();
      if (name != null) {
        variables.put(name, segments.get(i));
      }
    }
    return variables;
  }
}
