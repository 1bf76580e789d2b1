/** The command line: options, progress, servers, processes, chaos. */
@NullMarked
package io.commslib.examples.shop.cli;

import org.jspecify.annotations.NullMarked;
