package io.commslib.http;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The request of one call of a service: what all its attempts send. Not changed once made. */
final class ServiceRequest {

  final String method;

  /** Path and query, encoded. */
  final String path;

  final Map<String, String> headers;
  final byte @Nullable [] body;

  /** Whether the remote may see the request twice. */
  final boolean isRepeatable;

  /** The id of the call, where the JDK's client may send one of its attempts twice; or null. */
  final @Nullable String callId;

  ServiceRequest(
      String method,
      String path,
      Map<String, String> headers,
      byte @Nullable [] body,
      boolean isRepeatable,
      @Nullable String callId) {
    this.method = method;
    this.path = path;
    this.headers = headers;
    this.body = body;
    this.isRepeatable = isRepeatable;
    this.callId = callId;
  }

  /** Whether an answer has a body. */
  boolean hasAnswerBody() {
    return !method.equals("HEAD");
  }
}
