package io.commslib.http.server;

import io.commslib.http.Problem;
import java.time.Duration;
import java.util.Collection;

/** The problems with which the server itself answers. None has content of the request. */
final class ServerProblems {

  private ServerProblems() {}

  /** A problem that the same request will always have. */
  private static Problem permanent(int status, String code, String title, String detail) {
    return Problem.builder(status).code(code).title(title).detail(detail).retryable(false).build();
  }

  private static Problem.Builder passing(int status, String code, String title, String detail) {
    return Problem.builder(status).code(code).title(title).detail(detail);
  }

  static Problem noRoute() {
    return permanent(
        404, "COMMS-HTTP-101", "Not Found", "path: no route (expected: a path of this server)");
  }

  static Problem wrongMethod(Collection<String> allowed) {
    return permanent(
        405,
        "COMMS-HTTP-102",
        "Method Not Allowed",
        "method: not of this path (expected: " + String.join(", ", allowed) + ")");
  }

  static Problem tooLarge(int maxBytes) {
    return permanent(
        413,
        "COMMS-HTTP-103",
        "Content Too Large",
        "body: too large (expected: at most " + maxBytes + " bytes, the server's maxBodyBytes)");
  }

  static Problem wrongMediaType(String expected) {
    return permanent(
        415,
        "COMMS-HTTP-104",
        "Unsupported Media Type",
        "Content-Type: not supported (expected: " + expected + " without Content-Encoding)");
  }

  static Problem malformedBody(String expected) {
    return permanent(
        400,
        "COMMS-HTTP-105",
        "Bad Request",
        "body: malformed (expected: " + expected + " of this operation)");
  }

  /** Not 400: the caller may have sent all of it, and nothing was done, so it may be repeated. */
  static Problem bodyCutShort() {
    return passing(
            408,
            "COMMS-HTTP-114",
            "Request Timeout",
            "body: cut short (expected: all bytes that were announced); nothing was done")
        .build();
  }

  static Problem malformedTimeout(String header, String rule) {
    return permanent(
        400, "COMMS-HTTP-106", "Bad Request", header + ": malformed (expected: " + rule + ")");
  }

  static Problem expired() {
    return passing(
            504,
            "COMMS-HTTP-107",
            "Gateway Timeout",
            "the time of the request was over before its handler began; nothing was done")
        .build();
  }

  static Problem overran() {
    return passing(
            504,
            "COMMS-HTTP-108",
            "Gateway Timeout",
            "the handler overran the time of the request; it may have taken effect")
        .build();
  }

  static Problem handlerFailed() {
    return passing(500, "COMMS-HTTP-109", "Internal Server Error", "the handler failed").build();
  }

  /** A repetition would not be named either, and without a name it must not share keys. */
  static Problem callerUnknown() {
    return permanent(
        500,
        "COMMS-HTTP-116",
        "Internal Server Error",
        "the server has no name for the caller, which it needs for the key; nothing was done");
  }

  /** The handler has run, so that a repetition might have its effects twice. */
  static Problem unusableAnswer() {
    return permanent(
        500,
        "COMMS-HTTP-117",
        "Internal Server Error",
        "the handler has run, and its answer can't be sent");
  }

  static Problem.Builder dependencyFailed(int status) {
    return passing(
        status,
        "COMMS-HTTP-110",
        status == 504 ? "Gateway Timeout" : "Service Unavailable",
        "a call or another dependency of the handler failed");
  }

  static Problem overloaded(int max, String whose, Duration wait) {
    return passing(
            503,
            "COMMS-HTTP-111",
            "Service Unavailable",
            "requests in flight: too many (expected: at most " + max + ", " + whose + ")")
        .retryAfter(wait)
        .build();
  }

  static Problem stopping(Duration wait) {
    return passing(503, "COMMS-HTTP-112", "Service Unavailable", "the server is stopping")
        .retryAfter(wait)
        .build();
  }

  static Problem malformedPath() {
    return permanent(
        400,
        "COMMS-HTTP-113",
        "Bad Request",
        "path: malformed (expected: percent-encoded UTF-8 without control characters and dots)");
  }

  static Problem malformedQuery() {
    return permanent(
        400,
        "COMMS-HTTP-113",
        "Bad Request",
        "query: malformed (expected: up to 256 parameters in percent-encoded UTF-8)");
  }

  static Problem bodyTooSlow(Duration idleTime) {
    return passing(
            408,
            "COMMS-HTTP-114",
            "Request Timeout",
            "body: too slow (expected: before the deadline, and no pause over the idleTime of "
                + idleTime
                + ")")
        .build();
  }
}
