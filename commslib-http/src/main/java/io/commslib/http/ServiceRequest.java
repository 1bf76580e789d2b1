package io.commslib.http;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The request of one call of a service: what all its attempts send, and the instance to which the
 * last one went. Confined to the thread of its call.
 */
final class ServiceRequest {

  final String method;

  /** Path and query, encoded. */
  final String path;

  final Map<String, String> headers;
  final byte @Nullable [] body;

  /** Whether the remote may see the request twice. */
  final boolean isRepeatable;

  /** The id of the call, set by the first attempt where the JDK's client may send one twice. */
  @Nullable String callId;

  /** The instance of the attempt before, which the next one avoids. */
  EndpointPool.@Nullable Endpoint last;

  ServiceRequest(
      String method,
      String path,
      Map<String, String> headers,
      byte @Nullable [] body,
      boolean isRepeatable) {
    this.method = method;
    this.path = path;
    this.headers = headers;
    this.body = body;
    this.isRepeatable = isRepeatable;
  }

  /** Whether an answer has a body. */
  boolean hasAnswerBody() {
    return !method.equals("HEAD");
  }
}
